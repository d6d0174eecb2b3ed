#include "actors/session.hpp"
#include "chat/json_text.hpp"
#include "chat/notifications.hpp"

/// What a session says in its rooms: messages, read marks, typing; and how a dialogue comes to be with its first
/// message.
namespace starling {

void session_state::handle(asked who, message_send& what) {
  if (!what.to.empty()) {
    what.room = dialogue_of(who_.user, what.to);
    if (!seated(what.room)) return begin_dialogue(std::move(who), std::move(what));
  }
  post(std::move(who), what);
}

void session_state::post(asked who, message_send& what) {
  auto answered = [this, who, room = what.room](const redis_value& answer) {
    auto outcome = read_appended(answer);
    if (auto* why = std::get_if<client_error>(&outcome)) return refuse(who, *why);
    this->answer(who, sent_text(room, std::get<appended>(outcome)));
  };
  if (auto* room = seated(what.room)) {
    self_->request(*room, options_->timings.request, room_post{std::move(what), who_.user})
        .then(answered, [this, who](const caf::error& error) { refuse(who, to_client_error(error)); });
  } else {
    run(who, call_append(what, who_.user, {}, options_->limits.log_messages, options_->timings.idempotency.count()),
        answered);
  }
}

/// The first message of two users, or the first through this session: both must have the dialogue in their lists, and
/// their sessions be told, before it is sent. What is sent meanwhile waits behind it, so that nothing is overtaken.
void session_state::begin_dialogue(asked who, message_send what) {
  auto room = what.room;
  auto other = what.to;
  auto& waiting = beginning_[room];
  waiting.emplace_back(std::move(who), std::move(what));
  if (waiting.size() > 1) return;
  changes().begin_dialogue(room, who_.user, other, [this, room](outcome<made_dialogue> made) {
    if (auto* why = std::get_if<client_error>(&made)) return dialogue_failed(room, *why);
    dialogue_made(room, std::move(std::get<made_dialogue>(made)));
  });
}

void session_state::dialogue_made(const room_id& room, made_dialogue made) {
  auto since = made.user_was_member ? 0 : made.room.tail.seq;
  first_words words{nullptr, {}, true}; // to a client that knows of it already: it is being seated, or could not be
  if (rooms_.try_emplace(room).second)  // so that our own hint is known
    words = {make_text_frame(member_notification(room, {0, "added", who_.user, who_.user, room_role::member})), since};
  seat(room, std::move(words), std::move(made.room), [this, room](const outcome<attended>& taken) {
    if (auto* why = std::get_if<client_error>(&taken)) return dialogue_failed(room, *why);
    auto waiting = std::move(beginning_[room]);
    beginning_.erase(room);
    for (auto& [who, what] : waiting)
      post(std::move(who), what);
  });
}

void session_state::dialogue_failed(const room_id& room, const client_error& why) {
  if (auto i = rooms_.find(room); i != rooms_.end() && !i->second.actor) rooms_.erase(i);
  auto waiting = std::move(beginning_[room]);
  beginning_.erase(room);
  for (auto& [who, what] : waiting)
    refuse(who, why);
}

void session_state::handle(asked who, message_read& what) {
  auto* room = seated(what.room);
  if (!room) {
    run(who, call_room_members({what.room, {}, 1}, who_.user), [this, who](const redis_value& answer) {
      auto outcome = read_members(answer, 1);
      auto* why = std::get_if<client_error>(&outcome);
      refuse(who, why ? *why : client_error{errc::unavailable, {}, {}, 0});
    });
    return;
  }
  run(who, call_user_mark(who_.user, what.room, what.seq), [this, who, what, room = *room](const redis_value& moved) {
    if (moved.to_int() == 1) {
      if (auto mine = rooms_.find(what.room); mine != rooms_.end()) mine->second.mark = what.seq;
      self_->send(room, read_here{who_.user, what.seq});
    }
    answer(who, "{}");
  });
}

void session_state::handle(asked who, starling::typing& what) {
  auto* room = seated(what.room);
  if (!room) return refuse(who, {errc::forbidden, {}, {}, 0});
  self_->send(*room, typing_here{who_.user});
  answer(who, "{}");
}

} // namespace starling
