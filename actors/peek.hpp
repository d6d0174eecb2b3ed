#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <caf/actor.hpp>
#include <caf/actor_cast.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/duration.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/scheduled_actor.hpp>

#include "actors/actor_record.hpp"

/// How the inspector looks into an actor of its process: a message that every `observed` actor answers by itself,
/// whatever its interface is. It is sent with high priority, so that it overtakes what waits.
namespace starling {

struct peek_actor {
  std::string about = {}; // a user, for presence: tell of this one; empty: of all in short
};

struct actor_peeked {
  static constexpr std::size_t waiting_max = 1'000;

  struct waiting_message {
    message_type type = 0;
    std::optional<std::uint32_t> age_ms; // nothing: not known any more
  };

  std::string state;                    // a JSON object
  std::vector<waiting_message> waiting; // in the order in which they will be handled; no more than `waiting_max`
  std::size_t waiting_beyond = 0;       // so many more
};

/// Asks an actor to be peeked at; what is returned is as of CAF's `request`.
template <class Self>
auto request_peek(Self& self, const caf::strong_actor_ptr& whom, std::chrono::milliseconds patience,
                  peek_actor what = {}) {
  // With a timeout of std::chrono, CAF 0.17 forgets the priority.
  return self.template request<caf::message_priority::high>(caf::actor_cast<caf::actor>(whom), caf::duration(patience),
                                                            std::move(what));
}

message_type type_of(const caf::mailbox_element& what);
bool is_peek(message_type type);
std::string about_what(const caf::mailbox_element& peek);
/// Looks at all that waits, in the thread of the actor. The ages are those of the messages that came in this order:
/// nearly always the same.
void note_mailbox(actor_peeked& answer, const actor_record& actor, caf::scheduled_actor::mailbox_type& mailbox);
void answer_peek(caf::mailbox_element& what, caf::actor_control_block* from, actor_peeked answer);
/// Counts an answer that is an error, such as a timeout.
void note_failed_answer(actor_record& record, const caf::mailbox_element& what);

} // namespace starling

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(starling::peek_actor)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(starling::actor_peeked)
