#include "actors/peek.hpp"

#include <caf/actor_cast.hpp>
#include <caf/error.hpp>
#include <caf/make_message.hpp>
#include <caf/sec.hpp>

namespace starling {
namespace {

void note_waiting(actor_peeked& answer, const actor_record& actor, const caf::mailbox_element& what) {
  const auto place = answer.waiting.size();
  if (place >= actor_peeked::waiting_max) {
    ++answer.waiting_beyond;
    return;
  }
  const auto at = actor.arrival_of(actor.handled.load() + place);
  answer.waiting.push_back({type_of(what), at == 0 ? std::nullopt : std::optional(coarse_ms() - at)});
}

} // namespace

message_type type_of(const caf::mailbox_element& what) {
  const auto& content = what.content();
  if (content.empty()) return 0;
  const auto type = content.type(0);
  return type.second ? reinterpret_cast<message_type>(type.second) : type.first;
}

bool is_peek(message_type type) { return type == reinterpret_cast<message_type>(&typeid(peek_actor)); }

std::string about_what(const caf::mailbox_element& what) { return what.content().get_as<peek_actor>(0).about; }

void note_mailbox(actor_peeked& answer, const actor_record& actor, caf::scheduled_actor::mailbox_type& mailbox) {
  mailbox.fetch_more();
  mailbox.queue().peek_all([&](const caf::mailbox_element& what) { note_waiting(answer, actor, what); });
}

void answer_peek(caf::mailbox_element& what, caf::actor_control_block* from, actor_peeked answer) {
  if (!what.sender || !what.mid.is_request()) return;
  what.sender->enqueue(caf::strong_actor_ptr(from), what.mid.response_id(), caf::make_message(std::move(answer)),
                       nullptr);
}

void note_failed_answer(actor_record& record, const caf::mailbox_element& what) {
  const auto& content = what.content();
  if (!content.match_elements<caf::error>()) return;
  const auto& why = content.get_as<caf::error>(0);
  record.note_error(why == caf::sec::request_timeout ? "request_timeout" : "request_failed");
}

} // namespace starling
