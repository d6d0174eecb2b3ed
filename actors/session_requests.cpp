#include "actors/session.hpp"
#include "chat/json_text.hpp"
#include "chat/notifications.hpp"

/// What a session does for each method of the protocol. See `member_changes` for where a membership stands.
namespace starling {
namespace {

/// What one answer with messages may hold, so that it fits any outbox beside others.
std::size_t answer_bytes(const limits& bounds) { return bounds.outbox_bytes / 4; }

} // namespace

// -- sessions --------------------------------------------------------------------------------------------------------

void session_state::handle(asked who, session_open&) { refuse(who, {errc::not_opened, {}, {}, 0}); }

void session_state::handle(asked who, session_verified& what) {
  if (phase_ == phase::open && what.who.user != who_.user) return refuse(who, {errc::forbidden, "another user", {}, 0});
  who_ = std::move(what.who);
  open(std::move(who));
}

void session_state::handle(asked who, ping&) {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  answer(who,
         json_object().add("at", time_text(std::chrono::duration_cast<std::chrono::milliseconds>(now).count())).text());
}

// -- becoming a member -----------------------------------------------------------------------------------------------

/// The user has not become a member after all: the room goes from the list again.
void session_state::refuse_member(const asked& who, const room_id& room, client_error why) {
  if (!rooms_.contains(room)) run_all({call_user_room_remove(who_.user, {room})}, [](const auto&) {});
  refuse(who, std::move(why));
}

void session_state::handle(asked who, room_create& what) {
  auto held = hold_becoming(std::move(who), what.room);
  changes().create(what, who_.user, [this, held, room = what.room](outcome<room_description> made) {
    if (auto* why = std::get_if<client_error>(&made)) return refuse_member(held, room, *why);
    joined(held, room, {}, std::move(std::get<room_description>(made)));
  });
}

void session_state::handle(asked who, room_join& what) {
  auto held = hold_becoming(std::move(who), what.room);
  run(held, call_user_room_add(who_.user, what.room, options_->limits.rooms_per_user),
      [this, held, what](const redis_value& noted) {
        done(held, noted, [&] {
          bool make = options_->create_public_rooms && !what.room.starts_with("dm:");
          run(held, call_room_join(what.room, who_.user, options_->limits.members_per_room, make),
              [this, held, what](const redis_value& answer) {
                auto outcome = read_room(answer);
                if (auto* why = std::get_if<client_error>(&outcome)) return refuse_member(held, what.room, *why);
                joined(held, what.room, what.since, std::move(std::get<room_description>(outcome)));
              });
        });
      });
}

/// The user is a member: take a seat, tell the user's other devices, answer.
void session_state::joined(asked who, room_id room, std::optional<seq_number> since, room_description known) {
  seat(
      room, {}, std::move(known),
      [this, who, room, since](const outcome<attended>& taken) {
        if (auto* why = std::get_if<client_error>(&taken)) return refuse(who, *why);
        auto& description = std::get<attended>(taken).description;
        hint(who_.user, {description.tail.seq, "joined", who_.user, description.role, room});
        answer_joined(who, room, since, description);
      },
      who.place);
}

void session_state::answer_joined(const asked& who, const room_id& room, std::optional<seq_number> since,
                                  const room_description& description) {
  if (!since) return answer(who, room_text(room, description));
  auto count = options_->limits.history_messages;
  run(who, call_room_range({room, {}, since, count}, who_.user),
      [this, who, room, description, count](const redis_value& read) {
        auto outcome = read_range(read, count);
        if (auto* why = std::get_if<client_error>(&outcome)) return refuse(who, *why);
        auto& range = std::get<log_range>(outcome);
        // What is newer than the seat is pushed, and must not be told twice.
        std::erase_if(range.entries, [&](const log_entry& e) { return e.at.seq > description.tail.seq; });
        cut_range(range, true, count, answer_bytes(options_->limits));
        answer(who, room_text(room, description, &range));
      });
}

void session_state::hint(const user_id& user, const room_hinted& what) { changes().hint(user, what); }

void session_state::handle(asked who, room_add& what) { changes().add(what, who_.user, answer_done(std::move(who))); }

// -- ending it -------------------------------------------------------------------------------------------------------

void session_state::handle(asked who, room_leave& what) {
  run(who, call_room_leave(what.room, who_.user), [this, who, room = what.room](const redis_value& left) {
    done(who, left, [&] {
      run(who, call_user_room_remove(who_.user, {room}), [this, who](const redis_value&) { answer(who, "{}"); });
    });
  });
}

void session_state::handle(asked who, room_remove& what) {
  changes().remove(what, who_.user, answer_done(std::move(who)));
}

// -- looking ---------------------------------------------------------------------------------------------------------

void session_state::handle(asked who, room_info& what) {
  run(who, call_room_info(what.room, who_.user), [this, who, room = what.room](const redis_value& answer) {
    auto outcome = read_room(answer);
    if (auto* why = std::get_if<client_error>(&outcome)) return refuse(who, *why);
    this->answer(who, room_text(room, std::get<room_description>(outcome)));
  });
}

void session_state::handle(asked who, room_members& what) {
  run(who, call_room_members(what, who_.user), [this, who, limit = what.limit](const redis_value& answer) {
    auto outcome = read_members(answer, limit);
    if (auto* why = std::get_if<client_error>(&outcome)) return refuse(who, *why);
    auto& page = std::get<member_page>(outcome);
    this->answer(who, members_text(page));
  });
}

void session_state::handle(asked who, room_who& what) {
  auto* room = seated(what.room);
  if (!room) { // the shard knows whether it exists, and for whom
    run(who, call_room_members({what.room, {}, 1}, who_.user), [this, who](const redis_value& answer) {
      auto outcome = read_members(answer, 1);
      auto* why = std::get_if<client_error>(&outcome);
      refuse(who, why ? *why : client_error{errc::unavailable, {}, {}, 0});
    });
    return;
  }
  self_->request(*room, options_->timings.request, who_is_here{})
      .then(
          [this, who](const std::vector<user_id>& users) {
            json_array list;
            for (auto& user : users)
              list.add(user);
            answer(who, json_object().add_json("users", list.text()).text());
          },
          [this, who](const caf::error& error) { refuse(who, to_client_error(error)); });
}

void session_state::handle(asked who, room_list&) {
  std::vector<room_id> ids;
  std::vector<script_call> calls;
  for (auto& [id, room] : rooms_) {
    ids.push_back(id);
    calls.push_back(call_room_info(id, who_.user));
  }
  run_all(std::move(calls), [this, who, ids](const std::vector<redis_value>& answers) {
    json_array rooms;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      auto outcome = read_room(answers[i]);
      if (auto* description = std::get_if<room_description>(&outcome))
        rooms.add_json(room_text(ids[i], *description));
      else if (auto& why = std::get<client_error>(outcome); why.code != errc::no_such_room)
        return refuse(who, why);
    }
    answer(who, json_object().add_json("rooms", rooms.text()).text());
  });
}

void session_state::handle(asked who, room_history& what) {
  run(who, call_room_range(what, who_.user), [this, who, what](const redis_value& answer) {
    auto outcome = read_range(answer, what.limit);
    if (auto* why = std::get_if<client_error>(&outcome)) return refuse(who, *why);
    auto& range = std::get<log_range>(outcome);
    cut_range(range, what.after.has_value(), what.limit, answer_bytes(options_->limits));
    this->answer(who, range_text(what.room, range));
  });
}

void session_state::handle(asked who, room_sync& what) {
  std::vector<room_id> ids;
  std::vector<script_call> calls;
  auto count = options_->limits.history_messages;
  for (auto& [id, seq] : what.rooms) {
    ids.push_back(id);
    calls.push_back(call_room_range({id, {}, seq, count}, who_.user));
  }
  run_all(std::move(calls), [this, who, ids, count](const std::vector<redis_value>& answers) {
    json_object rooms;
    auto bytes_left = answer_bytes(options_->limits);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      auto outcome = read_range(answers[i], count);
      std::string name;
      append_json_string(name, ids[i]);
      if (auto* why = std::get_if<client_error>(&outcome)) {
        rooms.add_members(name + ":{\"error\":" + error_text(*why) + "}");
        continue;
      }
      auto& range = std::get<log_range>(outcome);
      // What does not fit is left for the next call; each gets at least one message, so that a client moves on.
      cut_range(range, true, count, bytes_left);
      auto text = range_text(ids[i], range);
      bytes_left -= std::min(bytes_left, text.size());
      rooms.add_members(name + ":" + text);
    }
    answer(who, json_object().add_json("rooms", rooms.text()).text());
  });
}

// -- presence --------------------------------------------------------------------------------------------------------

void session_state::handle(asked who, presence_get& what) {
  self_->request(options_->presence, options_->timings.request, get_users{what.users})
      .then([this, who, users = what.users](
                const std::vector<user_presence>& now) { answer(who, presence_list_text(users, now)); },
            [this, who](const caf::error& error) { refuse(who, to_client_error(error)); });
}

void session_state::handle(asked who, presence_watch& what) {
  auto held = hold(std::move(who)); // a change must not overtake the state that it changes
  self_->request(options_->presence, options_->timings.request, watch_users{number_, sink_, what.users})
      .then([this, held, users = what.users](
                const std::vector<user_presence>& now) { answer(held, presence_list_text(users, now)); },
            [this, held, users = what.users](const caf::error& error) {
              auto why = to_client_error(error);
              // All or none: what could not be looked up now is not to be told of later.
              if (why.code != errc::conflict) self_->send(options_->presence, unwatch_users{number_, users});
              refuse(held, std::move(why));
            });
}

void session_state::handle(asked who, presence_unwatch& what) {
  self_->send(options_->presence, unwatch_users{number_, std::move(what.users)});
  answer(who, "{}");
}

} // namespace starling
