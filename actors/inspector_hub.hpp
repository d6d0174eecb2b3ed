#pragma once

#include <functional>
#include <map>
#include <set>

#include "actors/inspector_link.hpp"

namespace starling {

/// A process by which the others are found, and how to get there.
struct inspector_seed {
  inspected_process who; // as far as it is known: what has no name yet says it when it is joined
  inspector_place where;
};

/// Makes the link to one process; the hub tells it `link_now`. Replaced in tests.
using inspector_link_maker = std::function<inspector_link_actor(const inspector_place&)>;
/// Links that have all in common but the place.
inspector_link_maker make_links(caf::actor_system& system, inspector_link_options common);

struct inspector_hub_options {
  inspector_link_maker make_link;
  std::vector<inspector_seed> seeds; // the first must be there at the start
};

/// Waits until the first process is joined and all that it names have been tried; fails with what is wrong with it.
struct hub_join {};
struct hub_joined {
  inspected_process first;
};

struct hub_ask {
  std::string command;
  std::string arguments;                       // a JSON object
  std::string role;                            // empty: all
  std::string process;                         // its name; empty: all
  std::map<std::string, std::string> own = {}; // arguments of some, by their names, in place of those for all
};

/// What one process has answered, or why not.
struct process_report {
  inspected_process from;
  std::string result; // a JSON object; empty: see error
  std::string error;
};

/// The master first, then nodes by name.
struct hub_answer {
  std::vector<process_report> processes;
};

struct hub_tick {};
struct hub_deadline {
  std::uint64_t ask = 0;
};

/// A console's view of a cluster: links to the inspectors of all processes. It learns of new ones from those that it
/// knows, and joins again those that were restarted or lost, so that it can be asked as long as it lives. An answer
/// takes at most `answer_max`, whatever processes are frozen or gone: they are named with an error.
using inspector_hub_actor =
    caf::typed_actor<caf::replies_to<hub_join>::with<hub_joined>, caf::replies_to<hub_ask>::with<hub_answer>,
                     caf::reacts_to<hub_tick>, caf::reacts_to<hub_deadline>>;

class inspector_hub_state {
public:
  static constexpr milliseconds answer_max{870};
  static constexpr milliseconds tick{250};
  // Between attempts to join a process: doubled each time, so that a cluster that is half away is not hammered.
  static constexpr milliseconds pause_min{250}, pause_max{4'000};
  // Between questions who else there is.
  static constexpr milliseconds look_around{1'000};
  static constexpr std::size_t asks_max = 64;         // under way; beyond: refused
  static constexpr std::size_t processes_max = 2'000; // twice what a master lets in; beyond: not joined

  inspector_hub_state(inspector_hub_actor::pointer self) : self_(self) {}
  ~inspector_hub_state();

  void start(inspector_hub_options options);
  caf::result<hub_joined> join();
  caf::result<hub_answer> ask(const hub_ask& what);
  void turn();
  void end_ask(std::uint64_t which);

private:
  using time_point = std::chrono::steady_clock::time_point;
  using key = std::pair<std::string, std::string>; // role, name: "master" < "node"

  enum class standing : std::uint8_t {
    fresh, // for the first time under way: asks wait for it
    joined,
    failing, // is tried again, meanwhile asks are told why
  };
  struct process {
    inspected_process who;
    std::optional<inspector_place> where; // none: it lets nobody in
    bool is_seed = false;                 // is kept though nobody names it
    bool is_first = false;
    bool questioned = false; // an answer is under way
    inspector_link_actor link;
    standing now = standing::fresh;
    std::string error;
    milliseconds pause = pause_min;
    time_point again{};              // when to try, or while it is silent to ask whether it still is
    time_point silent_since{};       // joined, but an answer did not come; zero: it answers
    std::set<std::uint64_t> waiting; // asks for which it has first to be joined
  };
  struct asked {
    hub_ask what;
    caf::typed_response_promise<hub_answer> answer;
    std::map<key, process_report> reports;
    std::set<key> open; // of which there is no report yet
    time_point begin;
  };

  process* enter(const inspected_process& who, std::optional<inspector_place> where);
  void attempt(process& one);
  void joined(const inspector_link_actor& link, const console_joined& answer);
  void failed(const caf::actor_addr& link, const std::string& why);
  void lost(const caf::down_msg& what);
  void drop_link(process& one);
  void rename(process& one, const inspected_process& self);
  void learn(const std::vector<inspected_process>& others, bool by_master);
  void learn(const inspected_process& other);
  void forget_all_but(const std::vector<inspected_process>& named);
  void look();
  void question(process& one);
  void answered(const caf::actor_addr& link, const std::string& processes);
  void heard(const caf::actor_addr& link, const caf::error* why, time_point asked_at);
  void pass_on(std::uint64_t which, process& one);
  void report(std::uint64_t which, const key& from, std::string result, std::string error);
  void settle(process& one);
  void tell_joined();
  process* behind(const caf::actor_addr& link);
  std::string why_not(const process& one) const;
  time_point now() const { return self_->clock().now(); }
  static bool is_silent(const process& one) { return one.silent_since != time_point{}; }

  static key key_of(const inspected_process& who) { return {who.role, who.name}; }

  inspector_hub_actor::pointer self_;
  inspector_hub_options options_;
  std::map<key, process> processes_;
  std::optional<inspected_process> first_;   // once it has been joined
  std::optional<std::string> first_failure_; // before that
  caf::typed_response_promise<hub_joined> joining_;
  std::map<std::uint64_t, asked> asks_;
  std::uint64_t last_ask_ = 0;
  time_point looked_{};
};

using inspector_hub_self = self_pointer<inspector_hub_actor, inspector_hub_state>;

inspector_hub_actor::behavior_type inspector_hub(inspector_hub_self self, inspector_hub_options options);

} // namespace starling

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(starling::hub_join)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(starling::hub_joined)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(starling::hub_ask)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(starling::hub_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(starling::hub_tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(starling::hub_deadline)
