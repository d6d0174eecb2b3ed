#include <cstring>
#include <new>

#include <simdjson.h>

#include "chat/codec.hpp"
#include "chat/json_text.hpp"

namespace starling {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

/// Deeper JSON than anybody sends on purpose, and than all clients could read.
constexpr std::size_t depth_max = 64;

/// What is wrong with a request, on its way from the member that showed it to `decode_one`.
struct bad_request {
  client_error why;
};

[[noreturn]] void refuse(errc code, std::string text) { throw bad_request{{code, std::move(text), {}, 0}}; }

[[noreturn]] void refuse_param(const char* name, std::string expected) {
  throw bad_request{{errc::bad_params, std::string(name) + ": " + std::move(expected), name, 0}};
}

/// A parser that stops at `depth_max`. What it has parsed is good until it parses the next.
class deep_parser {
public:
  deep_parser() { // it grows with what comes, which limits.frame_bytes bounds
    if (parser_.allocate(4096, depth_max)) throw std::bad_alloc();
  }

  simdjson::simdjson_result<element> parse(std::string_view text) { return parser_.parse(text.data(), text.size()); }

private:
  simdjson::dom::parser parser_;
};

/// The members of a request without `params`.
object no_params() {
  thread_local simdjson::dom::parser parser;
  thread_local const object none = parser.parse("{}", 2).get_object();
  return none;
}

/// Reads the members of a request's `params`; names the first that is missing or mistyped.
class reader {
public:
  reader(object params, const limits& bounds) : params_(params), bounds_(bounds) {}

  const limits& bounds() const { return bounds_; }
  bool has(const char* name) const { return params_.at_key(name).error() == simdjson::SUCCESS; }

  element need(const char* name) const {
    element value;
    if (params_.at_key(name).get(value)) refuse_param(name, "missing");
    return value;
  }

  std::string_view text(const char* name) const {
    std::string_view value;
    if (need(name).get(value)) refuse_param(name, "must be a string");
    return value;
  }

  std::uint64_t number(const char* name) const { return number(name, need(name)); }

  std::size_t number_between(const char* name, std::size_t otherwise, std::size_t least, std::size_t most) const {
    if (!has(name)) return otherwise;
    auto value = number(name);
    if (value < least || value > most)
      refuse_param(name, "must be from " + std::to_string(least) + " to " + std::to_string(most));
    return static_cast<std::size_t>(value);
  }

  room_id room(const char* name = "room") const {
    auto id = text(name);
    if (!is_room_id(id, bounds_)) refuse_param(name, "not a room id");
    return room_id(id);
  }

  user_id user(const char* name = "user") const { return user(name, need(name)); }

  std::vector<user_id> users(const char* name) const {
    array list;
    if (need(name).get(list)) refuse_param(name, "must be an array of user ids");
    if (list.size() > bounds_.users_per_request)
      refuse_param(name, "at most " + std::to_string(bounds_.users_per_request) + " users");
    std::vector<user_id> result;
    result.reserve(list.size());
    for (auto item : list)
      result.push_back(user(name, item));
    return result;
  }

  static std::uint64_t number(const char* name, element value) {
    // Numbers beyond 2^53 - 1 are not exact in every client's language, and no log is that long.
    std::uint64_t result = 0;
    if (value.get(result) || result > 9007199254740991U) refuse_param(name, "must be a whole number, not negative");
    return result;
  }

private:
  static user_id user(const char* name, element value) {
    std::string_view id;
    if (value.get(id) || !is_user_id(id)) refuse_param(name, "not a user id ([A-Za-z0-9._-], 1 to 64)");
    return user_id(id);
  }

  object params_;
  const limits& bounds_;
};

session_open read_session_open(const reader& in) {
  session_open result;
  if (in.has("token"))
    result.token = in.text("token");
  else if (in.has("user"))
    result.user = in.user();
  else
    refuse_param("token", "missing");
  return result;
}

/// Names that this server gives out itself; nobody may take them.
room_id new_room(const reader& in) {
  auto id = in.room();
  if (id.starts_with("dm:")) refuse_param("room", "ids that begin with dm: are dialogues', made by message.send {to}");
  return id;
}

room_create read_room_create(const reader& in) {
  room_create result;
  result.room = new_room(in);
  if (in.has("title")) result.title = in.text("title");
  if (result.title.size() > in.bounds().title_bytes) refuse(errc::too_large, "title is too long");
  if (in.has("kind")) {
    auto kind = in.text("kind");
    if (kind == "private")
      result.kind = room_kind::private_room;
    else if (kind != "public")
      refuse_param("kind", "must be public or private");
  }
  if (in.has("members")) result.members = in.users("members");
  return result;
}

room_join read_room_join(const reader& in) {
  room_join result{in.room(), {}};
  if (in.has("since")) result.since = in.number("since");
  return result;
}

room_add read_room_add(const reader& in) {
  room_add result{in.room(), in.user(), {}};
  if (in.has("role")) {
    result.role = role_from(in.text("role"));
    if (result.role == room_role::none) refuse_param("role", "must be member, moderator or owner");
  }
  return result;
}

room_members read_room_members(const reader& in) {
  room_members result{in.room(), {}, 0};
  if (in.has("after")) result.after = in.user("after");
  result.limit = in.number_between("limit", 100, 1, 1000);
  return result;
}

room_history read_room_history(const reader& in) {
  room_history result;
  result.room = in.room();
  if (in.has("before")) result.before = in.number("before");
  if (in.has("after")) result.after = in.number("after");
  result.limit = in.number_between("limit", 50, 1, in.bounds().history_messages);
  return result;
}

room_sync read_room_sync(const reader& in) {
  object rooms;
  if (in.need("rooms").get(rooms)) refuse_param("rooms", "must be an object of room ids and numbers");
  if (rooms.size() > in.bounds().rooms_per_user) refuse_param("rooms", "too many");
  room_sync result;
  for (auto [id, seq] : rooms) {
    if (!is_room_id(id, in.bounds())) refuse_param("rooms", "not a room id");
    result.rooms.emplace(id, reader::number("rooms", seq));
  }
  return result;
}

message_send read_message_send(const reader& in) {
  message_send result;
  if (in.has("room") == in.has("to")) refuse_param("room", "exactly one of room and to is needed");
  if (in.has("room"))
    result.room = in.room();
  else
    result.to = in.user("to");
  auto text = in.text("text");
  if (text.size() > in.bounds().text_bytes) refuse(errc::too_large, "text is too long");
  result.body = "\"text\":";
  append_json_string(result.body, text);
  if (in.has("data")) {
    auto data = simdjson::minify(in.need("data"));
    if (data.size() > in.bounds().data_bytes) refuse(errc::too_large, "data is too large");
    result.body += ",\"data\":" + data;
  }
  if (in.has("key")) {
    result.key = in.text("key");
    if (result.key.empty() || result.key.size() > 64) refuse_param("key", "must be 1 to 64 bytes");
    result.body += ",\"key\":";
    append_json_string(result.body, result.key);
  }
  return result;
}

using read_function = request_params (*)(const reader&);

constexpr std::pair<std::string_view, read_function> methods[] = {
    {"message.send", [](const reader& in) -> request_params { return read_message_send(in); }},
    {"message.read",
     [](const reader& in) -> request_params {
       return message_read{in.room(), in.number("seq")};
     }},
    {"typing", [](const reader& in) -> request_params { return typing{in.room()}; }},
    {"ping", [](const reader&) -> request_params { return ping{}; }},
    {"presence.get", [](const reader& in) -> request_params { return presence_get{in.users("users")}; }},
    {"presence.watch", [](const reader& in) -> request_params { return presence_watch{in.users("users")}; }},
    {"presence.unwatch", [](const reader& in) -> request_params { return presence_unwatch{in.users("users")}; }},
    {"room.add", [](const reader& in) -> request_params { return read_room_add(in); }},
    {"room.create", [](const reader& in) -> request_params { return read_room_create(in); }},
    {"room.history", [](const reader& in) -> request_params { return read_room_history(in); }},
    {"room.info", [](const reader& in) -> request_params { return room_info{in.room()}; }},
    {"room.join", [](const reader& in) -> request_params { return read_room_join(in); }},
    {"room.leave", [](const reader& in) -> request_params { return room_leave{in.room()}; }},
    {"room.list", [](const reader&) -> request_params { return room_list{}; }},
    {"room.members", [](const reader& in) -> request_params { return read_room_members(in); }},
    {"room.remove",
     [](const reader& in) -> request_params {
       return room_remove{in.room(), in.user()};
     }},
    {"room.sync", [](const reader& in) -> request_params { return read_room_sync(in); }},
    {"room.who", [](const reader& in) -> request_params { return room_who{in.room()}; }},
    {"session.open", [](const reader& in) -> request_params { return read_session_open(in); }},
};

/// Reads the id into `id`, as JSON, so that what is wrong with the rest can be answered with it.
void read_id(object from, std::string& id) {
  element given;
  if (from.at_key("id").get(given)) {
    id.clear(); // a notification
  } else if (given.is_string() || given.is_number()) {
    id = simdjson::minify(given);
  } else {
    refuse(errc::not_a_request, "id must be a number or a string");
  }
}

request_params read_params(object from, const limits& bounds) {
  std::string_view method, version;
  if (from.at_key("method").get(method)) refuse(errc::not_a_request, "method must be a string");
  if (from.at_key("jsonrpc").get(version) || version != "2.0") refuse(errc::not_a_request, "jsonrpc must be \"2.0\"");
  for (auto& [name, read] : methods) {
    if (name != method) continue;
    element given;
    if (from.at_key("params").get(given)) return read(reader{no_params(), bounds});
    object params;
    if (given.get(params)) refuse_param("params", "must be an object");
    return read(reader{params, bounds});
  }
  refuse(errc::no_such_method, {});
}

std::variant<request, refused> decode_one(element what, const limits& bounds) {
  std::string id = "null";
  try {
    object from;
    if (what.get(from)) refuse(errc::not_a_request, "must be an object");
    read_id(from, id);
    return request{id, read_params(from, bounds)};
  } catch (bad_request& bad) {
    // What is no request is no notification either: it is answered, though nobody can tell to what.
    if (bad.why.code == errc::not_a_request && id.empty()) id = "null";
    return refused{std::move(id), std::move(bad.why)};
  }
}

client_frame refuse_frame(errc code, std::string text) {
  client_frame result;
  result.items.emplace_back(refused{"null", {code, std::move(text), {}, 0}});
  return result;
}

} // namespace

client_frame decode(std::string_view text, const limits& bounds) {
  thread_local deep_parser parser;
  element parsed;
  auto failure = parser.parse(text).get(parsed);
  if (failure == simdjson::DEPTH_ERROR) return refuse_frame(errc::not_a_request, "nested too deeply");
  if (failure == simdjson::NUMBER_ERROR) return refuse_frame(errc::not_json, "a number that 64 bits do not hold");
  if (failure) return refuse_frame(errc::not_json, {});
  client_frame result;
  array batch;
  if (parsed.get(batch)) {
    result.items.push_back(decode_one(parsed, bounds));
    return result;
  }
  if (batch.size() == 0) return refuse_frame(errc::not_a_request, "an empty batch");
  if (batch.size() > bounds.batch_requests)
    return refuse_frame(errc::not_a_request,
                        "at most " + std::to_string(bounds.batch_requests) + " requests in a batch");
  result.batch = true;
  for (auto item : batch)
    result.items.push_back(decode_one(item, bounds));
  return result;
}

bool is_user_id(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  for (char c : text)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::strchr("._-", c)))
      return false;
  return true;
}

bool is_room_id(std::string_view text, const limits& bounds) {
  if (text.empty() || text.size() > bounds.room_id_bytes) return false;
  for (char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  return true;
}

} // namespace starling
