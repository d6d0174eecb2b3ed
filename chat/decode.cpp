#include "chat/param_reader.hpp"

#include <cstring>

namespace starling {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

/// The members of a request without `params`.
object no_params() {
  thread_local simdjson::dom::parser parser;
  thread_local const object none = parser.parse("{}", 2).get_object();
  return none;
}

session_open read_session_open(const param_reader& in) {
  session_open result;
  if (in.has("token"))
    result.token = in.text("token");
  else if (in.has("user"))
    result.user = in.user();
  else
    refuse_param("token", "missing");
  return result;
}

room_join read_room_join(const param_reader& in) {
  room_join result{in.room(), {}};
  if (in.has("since")) result.since = in.number("since");
  return result;
}

room_sync read_room_sync(const param_reader& in) {
  object rooms;
  if (in.need("rooms").get(rooms)) refuse_param("rooms", "must be an object of room ids and numbers");
  if (rooms.size() > in.bounds().rooms_per_user) refuse_param("rooms", "too many");
  room_sync result;
  for (auto [id, seq] : rooms) {
    if (!is_room_id(id, in.bounds())) refuse_param("rooms", "not a room id");
    result.rooms.emplace(id, param_reader::number("rooms", seq));
  }
  return result;
}

using read_function = request_params (*)(const param_reader&);

constexpr std::pair<std::string_view, read_function> methods[] = {
    {"message.send", [](const param_reader& in) -> request_params { return read_message_send(in); }},
    {"message.read",
     [](const param_reader& in) -> request_params {
       return message_read{in.room(), in.number("seq")};
     }},
    {"typing", [](const param_reader& in) -> request_params { return typing{in.room()}; }},
    {"ping", [](const param_reader&) -> request_params { return ping{}; }},
    {"presence.get", [](const param_reader& in) -> request_params { return presence_get{in.users("users")}; }},
    {"presence.watch", [](const param_reader& in) -> request_params { return presence_watch{in.users("users")}; }},
    {"presence.unwatch", [](const param_reader& in) -> request_params { return presence_unwatch{in.users("users")}; }},
    {"room.add", [](const param_reader& in) -> request_params { return read_room_add(in); }},
    {"room.create", [](const param_reader& in) -> request_params { return read_room_create(in); }},
    {"room.history", [](const param_reader& in) -> request_params { return read_room_history(in); }},
    {"room.info", [](const param_reader& in) -> request_params { return room_info{in.room()}; }},
    {"room.join", [](const param_reader& in) -> request_params { return read_room_join(in); }},
    {"room.leave", [](const param_reader& in) -> request_params { return room_leave{in.room()}; }},
    {"room.list", [](const param_reader&) -> request_params { return room_list{}; }},
    {"room.members", [](const param_reader& in) -> request_params { return read_room_members(in); }},
    {"room.remove",
     [](const param_reader& in) -> request_params {
       return room_remove{in.room(), in.user()};
     }},
    {"room.sync", [](const param_reader& in) -> request_params { return read_room_sync(in); }},
    {"room.who", [](const param_reader& in) -> request_params { return room_who{in.room()}; }},
    {"session.open", [](const param_reader& in) -> request_params { return read_session_open(in); }},
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
    if (from.at_key("params").get(given)) return read(param_reader{no_params(), bounds});
    object params;
    if (given.get(params)) refuse_param("params", "must be an object");
    return read(param_reader{params, bounds});
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
