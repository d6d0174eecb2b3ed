#include "actors/session.hpp"
#include "chat/json_text.hpp"
#include "chat/notifications.hpp"
#include "chat/revocation.hpp"

/// How a session begins: presence hears of it, the user's list of rooms is read, a seat is taken in each, and only then
/// the client is told, with everything that the rooms push held back until then.
namespace starling {

void session_state::open_unasked() { open(std::nullopt); }

void session_state::open(std::optional<asked> reply) {
  phase_ = phase::opening;
  sink_->hold();
  if (reply) reply->held = true;
  self_
      ->request(options_->presence, options_->timings.request, session_begins{who_.user, number_, session_actor(self_)})
      .then(
          [this, reply](const session_known&) {
            run_all({call_user_rooms(who_.user)}, [this, reply](const std::vector<redis_value>& answers) {
              auto list = read_user_rooms(answers.front());
              if (auto* why = std::get_if<client_error>(&list)) return open_failed(reply, *why);
              // Presence has subscribed the user's channel: what is revoked after this reading is told there.
              revoked_s_ = std::get<user_rooms>(list).revoked_s;
              if (is_revoked(who_, revoked_s_))
                return open_failed(reply, {errc::not_opened, "the token has been revoked", {}, 0});
              open_rooms(reply, std::get<user_rooms>(list));
            });
          },
          [this, reply](const caf::error& error) { open_failed(reply, to_client_error(error)); });
}

void session_state::open_failed(const std::optional<asked>& reply, client_error why) {
  phase_ = phase::closed;
  bool is_refused = why.code == errc::not_opened;
  if (reply)
    refuse(*reply, std::move(why));
  else
    sink_->release(nullptr);
  if (is_refused)
    end_revoked();
  else if (!reply)
    sink_->close(close_code::overloaded, "the shard of this user is unavailable, try again");
  for (auto& [who, params] : std::exchange(early_, {}))
    take(std::move(who), params);
}

void session_state::open_rooms(std::optional<asked> reply, const user_rooms& list) {
  struct gathering {
    std::map<room_id, std::string> texts;
    std::vector<room_id> stale;
    std::size_t left = 0;
    bool some_away = false;
  };
  auto all = std::make_shared<gathering>();
  all->left = list.rooms.size();
  rooms_version_ = list.version;
  auto finish = [this, all, reply] {
    json_array rooms;
    for (auto& [id, text] : all->texts)
      rooms.add_json(text);
    if (!all->stale.empty()) run_all({call_user_room_remove(who_.user, all->stale)}, [](const auto&) {});
    if (all->some_away) retry_later();
    opened(reply, rooms.text());
  };
  if (list.rooms.empty()) return finish();
  for (auto& [room, mark] : list.rooms) {
    rooms_[room].mark = mark;
    seat(room, {}, {}, [this, all, finish, id = room, read = mark](const outcome<attended>& taken) {
      auto* why = std::get_if<client_error>(&taken);
      if (why && why->code != errc::unavailable) {
        rooms_.erase(id);
        all->stale.push_back(id); // the list says may be, the room knows
      } else {
        log_position tail;
        if (!why) tail = std::get<attended>(taken).description.tail;
        json_object text;
        text.add("room", id).add("epoch", tail.epoch).add("seq", tail.seq).add("read", read);
        if (why) text.add("unavailable", true); // its shard is away: it will be attended when it is back
        all->texts[id] = text.text();
        all->some_away |= why != nullptr;
      }
      if (--all->left == 0) finish();
    });
  }
}

std::string session_state::opened_text(const std::string& rooms) const {
  return json_object()
      .add("session", session_name(options_->node, number_))
      .add("user", who_.user)
      .add("node", options_->node)
      .add_json("rooms", rooms)
      .add("ping_s", static_cast<std::uint64_t>(options_->timings.ping.count() / 1000))
      .text();
}

void session_state::opened(const std::optional<asked>& reply, const std::string& rooms) {
  phase_ = phase::open;
  if (auto moved = std::exchange(rooms_moved_, 0); moved != 0 && moved != rooms_version_) read_rooms_again();
  auto text = opened_text(rooms);
  if (reply)
    answer(*reply, text);
  else
    sink_->release(make_text_frame(encode_notification("session.opened", text)));
  for (auto& [who, params] : std::exchange(early_, {}))
    take(std::move(who), params);
}

/// A hint was lost: what stands in the user's record has changed, and nobody said how.
void session_state::read_rooms_again() {
  run_all({call_user_rooms(who_.user)}, [this](const std::vector<redis_value>& answers) {
    auto outcome = read_user_rooms(answers.front());
    auto* list = std::get_if<user_rooms>(&outcome);
    if (!list) return; // the next check of the tail tells again
    rooms_version_ = list->version;
    // The hint that was lost may have been that tokens are refused.
    if (std::exchange(revoked_s_, list->revoked_s) < list->revoked_s) revoked({list->revoked_s});
    std::set<room_id> listed;
    for (auto& [room, mark] : list->rooms) {
      listed.insert(room);
      if (rooms_.contains(room)) continue;
      // A dialogue is new with its first message, which must not be missed; of other rooms the end is enough.
      auto since = users_of_dialogue(room) ? std::optional<seq_number>(0) : std::nullopt;
      rooms_have_changed({room_hinted{since.value_or(UINT64_MAX), "added", who_.user, room_role::member, room}, 0});
    }
    for (auto& [room, mine] : rooms_)
      if (mine.actor && !listed.contains(room)) note_again(room, mine.mark);
  });
}

/// The shard has come back without a room in the user's list. (Or the user has left it by another device, and this
/// session is about to lose its seat: then the list names a room too many, which the next opening strikes out.)
void session_state::note_again(const room_id& room, seq_number mark) {
  run_all({call_user_room_add(who_.user, room, options_->limits.rooms_per_user)},
          [this, room, mark](const std::vector<redis_value>&) {
            if (mark > 0) run_all({call_user_mark(who_.user, room, mark)}, [](const auto&) {});
          });
}

void session_state::retry_later() {
  if (std::exchange(retrying_, true)) return;
  self_->delayed_send(self_, std::chrono::seconds(1), retry_rooms{});
}

void session_state::retry() {
  retrying_ = false;
  for (auto& [room, mine] : rooms_) {
    if (mine.actor) continue;
    seat(room, {nullptr, {}, true}, {}, [this, id = room](const outcome<attended>& taken) {
      auto* why = std::get_if<client_error>(&taken);
      if (!why) return;
      if (why->code == errc::unavailable)
        retry_later();
      else
        rooms_.erase(id);
    });
  }
}

} // namespace starling
