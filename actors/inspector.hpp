#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>

#include <nlohmann/json_fwd.hpp>

#include "actors/challenges.hpp"
#include "actors/cluster.hpp"
#include "actors/inspection.hpp"
#include "actors/observed.hpp"

namespace starling {

/// How a command that changes something has ended.
struct change_outcome {
  std::string words;             // for the audit log: "closed=2"
  std::string result;            // a JSON object
  std::optional<refusal> failed; // in place of both
};
using change_done = std::function<void(change_outcome)>;

/// What can be asked of a process. `run` is called by the inspector; it answers with a `console_answer`, a `refusal` as
/// an error, or a promise of either, and asks other actors only with a timeout.
///
/// What changes something has `change` in its place, which calls `done` once. It is for admins, but for `"dry_run":
/// true`, which says what would happen and changes nothing; each call is a line in the audit log, with how it ended.
struct inspector_command {
  bool changes_something = false;
  std::function<caf::result<console_answer>(inspector_actor::pointer self, const nlohmann::json& arguments)> run = {};
  std::function<void(inspector_actor::pointer self, const nlohmann::json& arguments, change_done done)> change = {};
};
using inspector_commands = std::map<std::string, inspector_command>;

/// The other processes of the cluster, as this one knows them now: written by the actor that learns of them.
class known_processes {
public:
  void set(std::vector<inspected_process> all) {
    std::lock_guard lock(mutex_);
    all_ = std::move(all);
  }
  std::vector<inspected_process> get() const {
    std::lock_guard lock(mutex_);
    return all_;
  }

private:
  mutable std::mutex mutex_;
  std::vector<inspected_process> all_;
};

struct inspector_options {
  std::string cluster;
  std::string token;
  inspected_process self; // `incarnation` at the start
  std::shared_ptr<const known_processes> others;
  inspector_commands commands;
  std::function<std::uint64_t()> incarnation = {}; // as it is now; null: never another
};

/// Answers consoles that know the cluster's token, and nobody else: see actors/inspection.hpp.
class inspector_state {
public:
  inspector_state(inspector_actor::pointer self) : self_(self) {}

  void start(inspector_options options);
  caf::result<console_challenge> greet(const console_hello& what);
  caf::result<console_joined> admit(const console_join& what);
  caf::result<console_answer> answer(const console_ask& what);
  void gone(const caf::down_msg& what);
  /// For those who look into the actor.
  std::string describe() const;

private:
  struct console {
    std::string operator_name;
    bool admin = false;
  };
  static constexpr std::size_t consoles_max = 64; // beyond: refused

  console_answer others() const;
  std::optional<refusal> fault_of(const console_join& what);
  inspected_process self_now() const;
  caf::result<console_answer> change(const inspector_command& command, const console& who, const console_ask& what,
                                     const nlohmann::json& arguments);

  inspector_actor::pointer self_;
  inspector_options options_;
  challenges challenges_;
  std::map<caf::actor_addr, console> consoles_;
};

using inspector_self = self_pointer<inspector_actor, inspector_state>;

inspector_actor::behavior_type inspector(inspector_self self, inspector_options options);

/// The answer of a command: an object. What is not UTF-8 in it is replaced.
console_answer answer_with(const nlohmann::json& result);
/// A refusal that a command gives.
caf::error bad_arguments(std::string why);

} // namespace starling
