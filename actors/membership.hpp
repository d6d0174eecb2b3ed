#pragma once

#include <functional>
#include <random>

#include <boost/asio/io_context.hpp>

#include "actors/cluster.hpp"
#include "actors/observed.hpp"
#include "actors/protocol.hpp"
#include "actors/reach.hpp"

namespace starling {

class node_status;

/// The incarnation of a node that starts now: the time in ms, which is higher than at any start before.
std::uint64_t first_incarnation();

/// What membership needs of the world around the actors. Tests make one of their own, in which all is repeatable.
struct membership_world {
  /// Finds out whether somebody listens, as `starling::reach` does.
  std::function<void(const std::string& host, std::uint16_t port, milliseconds deadline, std::function<void(reached)>)>
      reach;
  caf::io::middleman_actor transport; // connects to whom was reached
  std::function<std::uint64_t()> incarnation = first_incarnation;
  std::uint64_t seed = std::random_device{}(); // of the waits between attempts
  bool disk_thread = true;                     // the table's file is written on a thread of its own
};

/// `io` outlives the actor system.
membership_world network_world(boost::asio::io_context& io, caf::actor_system& system);

struct membership_options {
  cluster_settings cluster;
  std::string token;
  node_entry node;        // this one; incarnation: `first_incarnation()`
  std::string table_file; // empty: not kept
  membership_world world;
  member_listener listener;                      // hears of tables, nodes and new incarnations
  std::shared_ptr<node_status> status = nullptr; // told when the master has answered; null: nobody is
};

/// From the node, when it stops.
struct leave_cluster {};

/// What membership tells itself later.
struct connect_again {
  std::uint64_t attempt = 0;
};
struct master_reached {
  std::uint64_t attempt = 0;
  reached result;
};
struct beat_now {};

/// What the keeper of the table's file tells itself when it could not write.
struct keep_again {};

/// This node's place in the cluster, and its link to the master.
using membership_actor = member_actor::extend<
    // Answered when the master knows, or cannot be told. Nothing is done after it: end the actor then.
    caf::replies_to<leave_cluster>::with<void>, caf::reacts_to<connect_again>, caf::reacts_to<master_reached>,
    caf::reacts_to<beat_now>>;

/// Joins, beats, and tells the listener what the master tells. Without a master the last table and nodes go on to be
/// true, and it tries again for ever.
class membership_state {
public:
  membership_state(membership_actor::pointer self) : self_(self) {}

  void start(membership_options options);
  void push(const cluster_view& view);
  caf::result<void> leave_now();
  void try_again(const connect_again& what);
  void connect(const master_reached& what);
  void beat_once();
  void lost(const caf::down_msg& what);
  /// For those who look into the actor.
  std::string describe() const;

private:
  /// connecting: an attempt is under way, or waits for its turn.
  enum class phase : std::uint8_t { connecting, joined, left };

  void read_table();
  void take(const cluster_view& view);
  void take_table(const std::string& text);
  void tell_nodes();
  void forget_master();
  void retry(const std::string& why, bool refused = false);
  void attempt();
  void greet(std::uint64_t attempt);
  void ask_to_join(std::uint64_t attempt, const challenge& from);
  void enter(const join& asked, const joined& answer, std::uint64_t master_incarnation);
  void failed(std::uint64_t attempt, const char* doing, const caf::error& error);
  void begin_anew(std::uint64_t newest_dead);
  void close_clients();
  void heard(const beat_answer& answer);
  void note_heard();

  membership_actor::pointer self_;
  membership_options options_;
  phase phase_ = phase::connecting;
  std::uint64_t attempt_ = 0; // what belongs to an earlier one is ignored
  milliseconds backoff_{0};
  std::string last_failure_;
  caf::actor_clock::time_point last_told_{}; // of a failure, to the log
  master_actor master_;
  std::uint64_t master_incarnation_ = 0; // of the last joined
  std::uint64_t view_version_ = 0;
  bool beat_under_way_ = false;
  caf::actor_clock::time_point heard_{}; // the master's last answer
  bool reachable_ = false;
  std::vector<node_entry> nodes_;
  table_ptr table_;
  caf::actor keeper_; // of the table's file
  std::mt19937_64 random_;
};

using membership_self = self_pointer<membership_actor, membership_state>;

membership_actor::behavior_type membership(membership_self self, membership_options options);

} // namespace starling

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(starling::leave_cluster)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(starling::connect_again)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(starling::master_reached)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(starling::beat_now)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(starling::keep_again)
