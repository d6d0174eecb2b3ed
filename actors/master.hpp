#pragma once

#include <map>
#include <variant>

#include "actors/challenges.hpp"
#include "actors/cluster.hpp"
#include "actors/cluster_picture.hpp"
#include "actors/inspector.hpp"
#include "actors/observed.hpp"
#include "chat/cluster_state.hpp"
#include "chat/settings.hpp"

namespace starling {

/// What a master needs to start; made by `prepare_master`.
struct master_start {
  master_settings settings;
  std::string token;
  std::uint64_t incarnation = 0;
  std::optional<cluster_state> before; // from the state file
  std::optional<slot_table> next;      // before's table for the shards that are configured now, if that is another
  inspector_actor inspector = {};      // null: consoles are told that there is none
  std::shared_ptr<known_processes> processes = std::make_shared<known_processes>(); // kept up by the master
  std::shared_ptr<cluster_picture> picture = std::make_shared<cluster_picture>();   // likewise
};

/// Reads the state file and holds it against the configured shards. Returns a line for the operator if the master must
/// not start: a file that cannot be read or is corrupt, slots that would move though it was not said that they may.
std::variant<master_start, std::string> prepare_master(master_settings settings, std::string token);

/// What the master tells itself later.
struct settled {};
struct check_nodes {};
struct save_again {};

/// With what only the master itself sends; others see a `master_actor`.
using master_self_actor =
    master_actor::extend<caf::reacts_to<settled>, caf::reacts_to<check_nodes>, caf::reacts_to<save_again>>;

/// Decides who is in the cluster, and on which slot table.
///
/// A table is told only after it was written to the state file: a master that dies and comes back then knows of every
/// epoch that anybody has seen. Joins and deaths are told even if the file cannot be written.
class master_state {
public:
  master_state(master_self_actor::pointer self) : self_(self), registry_(milliseconds(0), milliseconds(0)) {}

  void start(master_start start);
  caf::result<challenge> greet(const hello& what);
  caf::result<joined> admit(join& what);
  caf::result<beat_answer> hear(const beat& what);
  caf::result<void> let_go(const leave& what);
  caf::result<found_inspector> show_inspector();
  void settle();
  void check();
  void save_again();
  /// For those who look into the actor.
  std::string describe() const;
  milliseconds heartbeat() const { return options_.settings.cluster.heartbeat; }

private:
  struct member {
    member_actor handle;
    std::uint64_t epoch = 0; // of the table that it has
    std::uint64_t digest = 0;
  };
  struct waiting_join {
    join what;
    caf::typed_response_promise<joined> answer;
  };

  node_registry::time_point now() const { return self_->clock().now(); }
  std::optional<refusal> fault_of(const join& what);
  caf::expected<joined> let_in(const join& what);
  bool is_from(const std::string& name) const;

  void learn(const slot_table& brought, const std::string& from);
  void save();
  bool knows_table(const member& who) const;
  cluster_view view_for(const member& who) const;
  void tell_all(const std::string& except = {});
  void show();

  master_self_actor::pointer self_;
  master_start options_;
  node_registry registry_;
  bool deaf_ = false;                     // hears none of the nodes
  std::map<std::string, member> members_; // joined to this process, by name
  challenges challenges_;
  std::vector<waiting_join> waiting_; // while settling
  bool settling_ = false;
  slot_table table_;                 // as told; epoch 0: none yet
  std::optional<slot_table> wanted_; // decided, but not yet in the state file
  std::string table_text_;           // of table_
  std::uint64_t view_version_ = 0;
  bool saving_again_ = false;
};

using master_self = self_pointer<master_self_actor, master_state>;

master_self_actor::behavior_type master(master_self self, master_start start);

} // namespace starling

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(starling::settled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(starling::check_nodes)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(starling::save_again)
