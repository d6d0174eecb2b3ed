#include "actors/inspect_admin.hpp"

#include <algorithm>
#include <map>

#include <caf/after.hpp>
#include <caf/event_based_actor.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "chat/codec.hpp"
#include "chat/json_text.hpp"
#include "chat/revocation.hpp"

namespace starling {
namespace {

using nlohmann::json;

/// For what is asked of this node's own actors.
constexpr milliseconds patience{500};

void fail(const change_done& done, std::string why) {
  done({{}, {}, refusal{refusal_kind::bad_request, std::move(why), 0}});
}

void fail(const change_done& done, const caf::error& error) {
  auto why = to_client_error(error);
  if (why.code != errc::unavailable)
    return fail(done, why.text.empty() ? std::string(describe(why.code).text) : why.text);
  done({{}, {}, refusal{refusal_kind::timed_out, "this node cannot do it now: it is busy, or starts anew", 0}});
}

void succeed(const change_done& done, std::string words, const json& result) {
  done({std::move(words), result.dump(-1, ' ', false, json::error_handler_t::replace), {}});
}

/// The arguments of a change: texts, besides "dry_run".
class texts {
public:
  texts(const json& arguments, std::initializer_list<const char*> known) {
    for (auto& [key, value] : arguments.items()) {
      if (key == "dry_run")
        dry_run_ = value.get<bool>(); // the inspector has seen to that it is one
      else if (std::find(known.begin(), known.end(), key) == known.end())
        fault_ = "there is no argument " + key;
      else if (!value.is_string())
        fault_ = key + " is a string";
      else
        values_[key] = value.get<std::string>();
    }
  }

  const std::string& fault() const { return fault_; }
  bool dry_run() const { return dry_run_; }
  const std::string& operator[](const std::string& key) { return values_[key]; }

private:
  std::map<std::string, std::string> values_;
  std::string fault_;
  bool dry_run_ = false;
};

/// Of kick: what a close frame has room for.
constexpr std::size_t reason_bytes_max = 100;

void kick(const node_actor& node, inspector_actor::pointer self, const json& arguments, const change_done& done) {
  texts given(arguments, {"user", "reason"});
  if (!given.fault().empty()) return fail(done, given.fault());
  if (!is_user_id(given["user"])) return fail(done, "user is the id of a user");
  if (given["reason"].size() > reason_bytes_max)
    return fail(done, fmt::format("reason is at most {} bytes", reason_bytes_max));
  auto reason = given["reason"].empty() ? std::string("removed by an operator") : given["reason"];
  self->request(node, patience, kick_user{given["user"], std::move(reason), given.dry_run()})
      .then(
          [done](const kicked_user& gone) {
            succeed(done, fmt::format("connections={}", gone.sessions), {{"connections", gone.sessions}});
          },
          [done](const caf::error& error) { fail(done, error); });
}

struct actor_name {
  std::string kind, name;
};

std::optional<actor_name> find_actor(std::uint64_t id) {
  std::optional<actor_name> result;
  actor_directory::instance().for_each([&](const actor_record& one) {
    if (one.id == id) result = actor_name{one.kind, one.name};
  });
  return result;
}

/// Why an actor of this kind is not started again; empty if it is.
std::string why_not_restarted(const std::string& kind) {
  if (kind == "router" || kind == "presence" || kind == "room") return {};
  if (kind == "session") return "nobody starts a session anew but its client: see kick";
  if (kind == "shard") return "a shard's actor is started anew with its router: restart that";
  return "an actor of kind " + kind + " has no supervisor: who ends it ends the process";
}

void restart(const node_actor& node, inspector_actor::pointer self, json arguments, const change_done& done) {
  actor_name what;
  if (auto id = arguments.find("id"); id != arguments.end()) {
    if (!id->is_number_unsigned()) return fail(done, "id is a number");
    auto found = find_actor(id->get<std::uint64_t>());
    if (!found) return fail(done, "there is no actor " + id->dump() + " in this process");
    what = *found;
    arguments.erase(id);
  }
  texts given(arguments, {"kind", "name"});
  if (!given.fault().empty()) return fail(done, given.fault());
  if (what.kind.empty()) what = {given["kind"], given["name"]};
  if (what.kind.empty()) return fail(done, R"(say which: {"id"}, or {"kind", "name"})");
  if (auto why = why_not_restarted(what.kind); !why.empty()) return fail(done, why);
  self->request(node, patience, restart_child{what.kind, what.name, given.dry_run()})
      .then(
          [done, what](const child_restarts& how) {
            if (!how.refused.empty()) return fail(done, how.refused);
            auto* effect = what.kind == "room" ? "those who sit in it are closed with 1011, and resume"
                                               : "all clients of the node are closed with 1001, and come again";
            succeed(done, what.kind == "room" ? "kind=room name=" + what.name : "kind=" + what.kind,
                    {{"kind", what.kind}, {"name", what.name}, {"effect", effect}});
          },
          [done](const caf::error& error) { fail(done, error); });
}

/// What a script refuses, as its client would be told.
std::string words_of(const client_error& why) {
  auto& entry = describe(why.code);
  return fmt::format("{}: {}", entry.code, why.text.empty() ? entry.text : std::string_view(why.text));
}

void posted(const redis_value& answer, const room_id& room, const change_done& done) {
  auto outcome = read_appended(answer);
  if (auto* why = std::get_if<client_error>(&outcome)) return fail(done, words_of(*why));
  auto& at = std::get<appended>(outcome).at;
  succeed(done, fmt::format("epoch={} seq={}", at.epoch, at.seq),
          {{"room", room}, {"epoch", at.epoch}, {"seq", at.seq}});
}

void may_post(const redis_value& answer, const room_id& room, const change_done& done) {
  auto outcome = read_members(answer, 1);
  if (auto* why = std::get_if<client_error>(&outcome)) return fail(done, words_of(*why));
  succeed(done, "would be sent", {{"room", room}});
}

struct posting {
  node_actor node;
  struct limits limits;
  milliseconds idempotency;
};

void post(const posting& with, inspector_actor::pointer self, const json& arguments, const change_done& done) {
  texts given(arguments, {"room", "user", "text"});
  if (!given.fault().empty()) return fail(done, given.fault());
  if (!is_room_id(given["room"], with.limits)) return fail(done, "room is the id of a room");
  if (!is_user_id(given["user"])) return fail(done, "user is the id of a member: messages have a sender");
  if (given["text"].empty() || given["text"].size() > with.limits.text_bytes)
    return fail(done, fmt::format("text is 1 to {} bytes", with.limits.text_bytes));
  message_send what;
  what.room = given["room"];
  what.body = "\"text\":";
  append_json_string(what.body, given["text"]);
  auto call = given.dry_run()
                  ? call_room_members({what.room, {}, 1}, given["user"])
                  : call_append(what, given["user"], {}, with.limits.log_messages, with.idempotency.count());
  auto* read = given.dry_run() ? may_post : posted;
  self->request(with.node, patience, std::move(call))
      .then([=, room = what.room](const redis_value& answer) { read(answer, room, done); },
            [done](const caf::error& error) { fail(done, error); });
}

void revoke(const node_actor& node, inspector_actor::pointer self, const json& arguments, const change_done& done) {
  texts given(arguments, {"user"});
  if (!given.fault().empty()) return fail(done, given.fault());
  auto user = given["user"];
  if (!is_user_id(user)) return fail(done, "user is the id of a user");
  if (given.dry_run()) return succeed(done, "would be revoked", {{"user", user}});
  self->request(node, patience, call_user_revoke(user))
      .then(
          [done, user](const redis_value& answer) {
            auto outcome = read_revoked(answer);
            if (auto* why = std::get_if<client_error>(&outcome)) return fail(done, words_of(*why));
            auto& it = std::get<revoked_tokens>(outcome);
            auto until = time_text(it.until_s * 1000);
            succeed(done, fmt::format("until={} nodes={}", until, it.nodes_told),
                    {{"user", user}, {"until", until}, {"nodes", it.nodes_told}});
          },
          [done](const caf::error& error) { fail(done, error); });
}

/// When the answer that is being given has left.
caf::behavior call_later(caf::event_based_actor* self, const std::function<void()>& call) {
  constexpr milliseconds answer_leaves{100};
  return {caf::after(answer_leaves) >> [self, call] {
    call();
    self->quit();
  }};
}

} // namespace

inspector_command kick_command(node_actor node) {
  return {true, {}, [=](inspector_actor::pointer self, const json& arguments, const change_done& done) {
            kick(node, self, arguments, done);
          }};
}

inspector_command revoke_command(node_actor node) {
  return {true, {}, [=](inspector_actor::pointer self, const json& arguments, const change_done& done) {
            revoke(node, self, arguments, done);
          }};
}

inspector_command restart_command(node_actor node) {
  return {true, {}, [=](inspector_actor::pointer self, const json& arguments, const change_done& done) {
            restart(node, self, arguments, done);
          }};
}

inspector_command send_command(node_actor node, const limits& bounds, const timings& times) {
  return {true,
          {},
          [with = posting{std::move(node), bounds, times.idempotency}](inspector_actor::pointer self,
                                                                       const json& arguments, const change_done& done) {
            post(with, self, arguments, done);
          }};
}

inspector_command drain_command(std::function<std::size_t()> connections, std::function<void()> drain) {
  return {true, {}, [=](inspector_actor::pointer self, const json& arguments, const change_done& done) {
            texts given(arguments, {});
            if (!given.fault().empty()) return fail(done, given.fault());
            auto now = connections();
            succeed(done, fmt::format("connections={}", now), {{"connections", now}});
            if (given.dry_run()) return;
            self->home_system().spawn(call_later, drain);
          }};
}

} // namespace starling
