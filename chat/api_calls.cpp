#include "chat/api_calls.hpp"

#include <algorithm>

#include "chat/param_reader.hpp"

namespace starling {
namespace {

/// The user of this name among the params; without one, the system.
user_id user_or_system(const param_reader& in, const char* name) {
  return in.has(name) ? in.user(name) : user_id(system_user);
}

api_kick read_kick(const param_reader& in) {
  api_kick result{in.user(), {}};
  if (!in.has("session")) return result;
  result.session = in.text("session");
  // As `session.opened` has told it; what is passed on to all nodes holds no space.
  auto slash = result.session.find('/');
  auto node = std::string_view(result.session).substr(0, slash);
  auto digits = slash == std::string::npos ? std::string_view() : std::string_view(result.session).substr(slash + 1);
  bool is_number = !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
  if (!is_user_id(node) || !is_number || digits.size() > 20) refuse_param("session", "not a session (<node>/<number>)");
  return result;
}

using read_function = api_call (*)(const param_reader&);

constexpr std::pair<std::string_view, read_function> calls[] = {
    {"message.send",
     [](const param_reader& in) -> api_call {
       return api_send{read_message_send(in), user_or_system(in, "from")};
     }},
    {"room.create",
     [](const param_reader& in) -> api_call {
       return api_create{read_room_create(in), user_or_system(in, "owner")};
     }},
    {"room.info", [](const param_reader& in) -> api_call { return room_info{in.room()}; }},
    {"room.members", [](const param_reader& in) -> api_call { return read_room_members(in); }},
    {"room.add", [](const param_reader& in) -> api_call { return read_room_add(in); }},
    {"room.remove",
     [](const param_reader& in) -> api_call {
       return room_remove{in.room(), in.user()};
     }},
    {"room.history", [](const param_reader& in) -> api_call { return read_room_history(in); }},
    {"presence.get", [](const param_reader& in) -> api_call { return presence_get{in.users("users")}; }},
    {"user.presence", [](const param_reader& in) -> api_call { return api_presence{in.user()}; }},
    {"user.sessions", [](const param_reader& in) -> api_call { return api_sessions{in.user()}; }},
    {"sessions.kick", [](const param_reader& in) -> api_call { return read_kick(in); }},
    {"sessions.revoke", [](const param_reader& in) -> api_call { return api_revoke{in.user()}; }},
};

/// Tells what a call is about.
struct summarizer {
  using text = std::string;
  text operator()(const api_send& c) const {
    return "message.send " + (c.what.to.empty() ? "room=" + c.what.room : "to=" + c.what.to) + " from=" + c.from;
  }
  text operator()(const api_create& c) const { return "room.create room=" + c.what.room + " owner=" + c.owner; }
  text operator()(const room_info& c) const { return "room.info room=" + c.room; }
  text operator()(const room_members& c) const { return "room.members room=" + c.room; }
  text operator()(const room_add& c) const { return "room.add room=" + c.room + " user=" + c.user; }
  text operator()(const room_remove& c) const { return "room.remove room=" + c.room + " user=" + c.user; }
  text operator()(const room_history& c) const { return "room.history room=" + c.room; }
  text operator()(const presence_get& c) const { return "presence.get users=" + std::to_string(c.users.size()); }
  text operator()(const api_presence& c) const { return "user.presence user=" + c.user; }
  text operator()(const api_sessions& c) const { return "user.sessions user=" + c.user; }
  text operator()(const api_kick& c) const {
    return "sessions.kick user=" + c.user + (c.session.empty() ? "" : " session=" + c.session);
  }
  text operator()(const api_revoke& c) const { return "sessions.revoke user=" + c.user; }
};

template <class... Some>
bool is_one_of(const api_call& call) {
  return (std::holds_alternative<Some>(call) || ...);
}

} // namespace

std::variant<api_call, client_error> decode_api_call(std::string_view name, std::string_view params,
                                                     const limits& bounds) {
  thread_local deep_parser parser;
  auto entry = std::find_if(std::begin(calls), std::end(calls), [&](auto& one) { return one.first == name; });
  if (entry == std::end(calls)) return client_error{errc::no_such_method, {}, {}, 0};
  simdjson::dom::element parsed;
  simdjson::dom::object object;
  if (parser.parse(params).get(parsed)) return client_error{errc::not_json, {}, {}, 0};
  if (parsed.get(object)) return client_error{errc::bad_params, "must be a JSON object", {}, 0};
  try {
    return entry->second(param_reader{object, bounds});
  } catch (bad_request& bad) {
    return std::move(bad.why);
  }
}

bool is_change(const api_call& call) {
  return is_one_of<api_send, api_create, room_add, room_remove, api_kick, api_revoke>(call);
}

std::string summary_of(const api_call& call) { return std::visit(summarizer{}, call); }

} // namespace starling
