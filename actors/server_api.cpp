#include "actors/server_api.hpp"

#include "chat/json_text.hpp"
#include "chat/notifications.hpp"
#include "chat/revocation.hpp"

namespace starling {
namespace {

/// What is told to a client that is sent away; `api_kick` names no reason of its own.
constexpr auto kick_reason = "removed by the application";

const user_id by_system{system_user};

/// Goes on to `to_text` with the value, or answers why there is none.
template <class T, class Text>
void give(const std::function<void(api_outcome)>& answer, const outcome<T>& what, Text to_text) {
  if (auto* why = std::get_if<client_error>(&what)) return answer(*why);
  answer(api_outcome(to_text(std::get<T>(what))));
}

/// Who has done what is on record as it is for operators; of the rest only failures are.
void note(const std::string& what, bool changes, const api_outcome& how) {
  auto* why = std::get_if<client_error>(&how);
  if (changes)
    log::audit("api.audit", "who=api call=\"{}\" outcome={}", what, why ? describe(why->code).code : 0);
  else if (why && why->code == errc::internal)
    log::error("api.failed", "call=\"{}\"", what);
}

} // namespace

void server_api_state::carry_out(api_task& what) {
  auto answer = [done = std::move(what.done), about = summary_of(what.call),
                 changes = is_change(what.call)](api_outcome how) {
    note(about, changes, how);
    done(std::move(how));
  };
  std::visit([&](auto& call) { handle(call, answer); }, what.call);
}

// -- asking ----------------------------------------------------------------------------------------------------------

void server_api_state::run(script_call call, std::function<void(const redis_value&)> next) {
  self_->request(options_.node, options_.timings.request, std::move(call))
      .then(
          [next](const redis_value& answer) {
            auto* error = answer.if_error();
            if (error && error_of(*error).code == errc::internal)
              log::error("script.failed", "error=\"{}\"", error->text);
            next(answer);
          },
          [next](const caf::error&) { next(redis_value::error{"UNAVAILABLE"}); });
}

member_changes server_api_state::changes() {
  return {
      [this](script_call call, std::function<void(const redis_value&)> next) { run(std::move(call), std::move(next)); },
      options_.limits};
}

void server_api_state::look_for(const std::vector<user_id>& users, answer_function answer,
                                std::function<std::string(const std::vector<user_presence>&)> to_text) {
  self_->request(options_.node, options_.timings.request, get_users{users})
      .then([answer, to_text](const std::vector<user_presence>& now) { answer(api_outcome(to_text(now))); },
            [answer](const caf::error& error) { answer(to_client_error(error)); });
}

// -- messages --------------------------------------------------------------------------------------------------------

void server_api_state::post(const message_send& what, const user_id& from, answer_function answer) {
  run(call_append(what, from, {}, options_.limits.log_messages, options_.timings.idempotency.count()),
      [answer, room = what.room](const redis_value& value) {
        give(answer, read_appended(value), [&](const appended& sent) { return sent_text(room, sent); });
      });
}

/// A dialogue is made, or mended, ahead of each message: nobody here remembers which ones stand.
void server_api_state::handle(const api_send& what, answer_function answer) {
  if (what.what.to.empty()) return post(what.what, what.from, std::move(answer));
  auto message = what.what;
  message.room = dialogue_of(what.from, message.to);
  changes().begin_dialogue(message.room, what.from, message.to,
                           [this, answer, message, from = what.from](const outcome<made_dialogue>& made) {
                             if (auto* why = std::get_if<client_error>(&made)) return answer(*why);
                             post(message, from, answer);
                           });
}

void server_api_state::handle(const room_history& what, answer_function answer) {
  // As the room itself reads, which is nobody's member.
  run(call_room_range(what, {}), [this, answer, what](const redis_value& value) {
    give(answer, read_range(value, what.limit), [&](log_range range) {
      cut_range(range, what.after.has_value(), what.limit, options_.limits.outbox_bytes / 4);
      return range_text(what.room, range);
    });
  });
}

// -- rooms -----------------------------------------------------------------------------------------------------------

void server_api_state::handle(const api_create& what, answer_function answer) {
  changes().create(what.what, what.owner,
                   [this, answer, room = what.what.room, owner = what.owner](const outcome<room_description>& made) {
                     give(answer, made, [&](const room_description& it) {
                       if (owner != system_user) changes().hint(owner, {it.tail.seq, "joined", owner, it.role, room});
                       return room_text(room, it);
                     });
                   });
}

void server_api_state::handle(const room_info& what, answer_function answer) {
  run(call_room_info(what.room, by_system), [answer, room = what.room](const redis_value& value) {
    give(answer, read_room(value), [&](const room_description& it) { return room_text(room, it); });
  });
}

void server_api_state::handle(const room_members& what, answer_function answer) {
  run(call_room_members(what, by_system), [answer, limit = what.limit](const redis_value& value) {
    give(answer, read_members(value, limit), members_text);
  });
}

void server_api_state::handle(const room_add& what, answer_function answer) {
  changes().add(what, by_system, [answer](const outcome<std::monostate>& done) {
    give(answer, done, [](std::monostate) { return std::string("{}"); });
  });
}

void server_api_state::handle(const room_remove& what, answer_function answer) {
  changes().remove(what, by_system, [answer](const outcome<std::monostate>& done) {
    give(answer, done, [](std::monostate) { return std::string("{}"); });
  });
}

// -- users -----------------------------------------------------------------------------------------------------------

void server_api_state::handle(const presence_get& what, answer_function answer) {
  look_for(what.users, std::move(answer),
           [users = what.users](const std::vector<user_presence>& now) { return presence_list_text(users, now); });
}

void server_api_state::handle(const api_presence& what, answer_function answer) {
  look_for({what.user}, std::move(answer),
           [user = what.user](const std::vector<user_presence>& now) { return presence_text(user, now.at(0)); });
}

void server_api_state::handle(const api_sessions& what, answer_function answer) {
  look_for({what.user}, std::move(answer), [user = what.user](const std::vector<user_presence>& now) {
    json_array nodes;
    for (auto& node : now.at(0).nodes)
      nodes.add(std::string_view(node).substr(0, node.find('#'))); // without the incarnation
    return json_object().add("user", user).add_json("nodes", nodes.text()).text();
  });
}

void server_api_state::handle(const api_kick& what, answer_function answer) {
  auto payload = write_kick({what.session.empty() ? "*" : what.session, kick_reason});
  run(call_user_hint(what.user, std::move(payload)), [answer, user = what.user](const redis_value& value) {
    if (auto* error = value.if_error()) return answer(error_of(*error));
    auto told = static_cast<std::uint64_t>(value.to_int());
    answer(api_outcome(json_object().add("user", user).add("nodes", told).text()));
  });
}

void server_api_state::handle(const api_revoke& what, answer_function answer) {
  run(call_user_revoke(what.user), [answer, user = what.user](const redis_value& value) {
    give(answer, read_revoked(value), [&](const revoked_tokens& it) {
      return json_object()
          .add("user", user)
          .add("until", time_text(it.until_s * 1000))
          .add("nodes", it.nodes_told)
          .text();
    });
  });
}

server_api_actor::behavior_type server_api(server_api_self self, server_api_options options) {
  self->observe("server_api", {});
  auto& state = self->state;
  state.start(std::move(options));
  return {[&state](api_task& what) { state.carry_out(what); }};
}

} // namespace starling
