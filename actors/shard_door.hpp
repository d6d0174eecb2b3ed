#pragma once

#include <functional>
#include <unordered_map>

#include <nlohmann/json.hpp>

#include "actors/inspector.hpp"
#include "actors/protocol.hpp"

namespace starling {

/// A question to a shard from outside of its actor, for consoles: a script, or a command of Redis' own.
struct ask_shard {
  std::string shard;
  script_call call;               // its `table_epoch` is the table's that the asker has
  std::vector<std::string> words; // in place of `call`, if there are any
};
struct shard_answered {
  std::uint64_t number = 0;
  redis_value answer;
};

/// Asks a link; `done` is called once, from any thread.
using shard_question = std::function<void(const ask_shard& what, std::function<void(redis_value)> done)>;

/// Makes requests with a deadline out of questions that are answered by callbacks.
using shard_door_actor =
    caf::typed_actor<caf::replies_to<ask_shard>::with<redis_value>, caf::reacts_to<shard_answered>>;

struct shard_door_state {
  std::uint64_t last = 0;
  // Bounded by the links: redis_settings::commands_waiting.
  std::unordered_map<std::uint64_t, caf::typed_response_promise<redis_value>> asked;
};

shard_door_actor::behavior_type shard_door(self_pointer<shard_door_actor, shard_door_state> self, shard_question ask);

/// An answer to a console that is put together from those of others: given with the last of them.
class gathered_answer : public std::enable_shared_from_this<gathered_answer> {
public:
  gathered_answer(inspector_actor::pointer self, nlohmann::json begin)
      : result(std::move(begin)), self_(self), promise_(self->make_response_promise<console_answer>()) {}

  /// `take` gets the answer, an error if none came within `patience`.
  void ask(const shard_door_actor& door, ask_shard what, std::function<void(redis_value&)> take);
  /// All has been asked.
  caf::result<console_answer> give() {
    end_one();
    return promise_;
  }

  nlohmann::json result;

private:
  static constexpr milliseconds patience{500};

  void end_one();

  inspector_actor::pointer self_;
  caf::typed_response_promise<console_answer> promise_;
  std::size_t left_ = 1; // until `give`
};

} // namespace starling

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(starling::ask_shard)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(starling::shard_answered)
