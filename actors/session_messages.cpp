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
    auto& sent = std::get<appended>(outcome);
    this->answer(who, json_object()
                          .add("room", room)
                          .add("epoch", sent.at.epoch)
                          .add("seq", sent.at.seq)
                          .add("at", time_text(sent.unix_ms))
                          .text());
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
  auto rooms_max = options_->limits.rooms_per_user;
  run_all({call_user_room_add(who_.user, room, rooms_max), call_user_room_add(other, room, rooms_max)},
          [this, room, other](const std::vector<redis_value>& noted) {
            for (auto& one : noted)
              if (auto outcome = read_done(one); auto* why = std::get_if<client_error>(&outcome))
                return dialogue_failed(room, *why);
            run_all({call_dialogue_create(room, who_.user, other)},
                    [this, room, other](const std::vector<redis_value>& made) {
                      auto outcome = read_room(made.front());
                      if (auto* why = std::get_if<client_error>(&outcome)) return dialogue_failed(room, *why);
                      dialogue_made(room, other, std::move(std::get<room_description>(outcome)));
                    });
          });
}

void session_state::dialogue_made(const room_id& room, const user_id& other, room_description known) {
  auto tail = known.tail.seq;
  hint(other, {tail, "added", who_.user, room_role::member, room});
  if (other != who_.user) hint(who_.user, {tail, "added", who_.user, room_role::member, room});
  rooms_[room]; // so that our own hint is known
  auto greeting = member_notification(room, {0, "added", who_.user, who_.user, room_role::member});
  seat(room, {make_text_frame(greeting), tail}, std::move(known), [this, room](const outcome<attended>& taken) {
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
