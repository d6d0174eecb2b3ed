#include "chat/param_reader.hpp"

namespace starling {
namespace {

/// Names that this server gives out itself; nobody may take them.
room_id new_room(const param_reader& in) {
  auto id = in.room();
  if (id.starts_with("dm:")) refuse_param("room", "ids that begin with dm: are dialogues', made by message.send {to}");
  return id;
}

} // namespace

room_create read_room_create(const param_reader& in) {
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

room_add read_room_add(const param_reader& in) {
  room_add result{in.room(), in.user(), {}};
  if (in.has("role")) {
    result.role = role_from(in.text("role"));
    if (result.role == room_role::none) refuse_param("role", "must be member, moderator or owner");
  }
  return result;
}

room_members read_room_members(const param_reader& in) {
  room_members result{in.room(), {}, 0};
  if (in.has("after")) result.after = in.user("after");
  result.limit = in.number_between("limit", 100, 1, 1000);
  return result;
}

room_history read_room_history(const param_reader& in) {
  room_history result;
  result.room = in.room();
  if (in.has("before")) result.before = in.number("before");
  if (in.has("after")) result.after = in.number("after");
  result.limit = in.number_between("limit", 50, 1, in.bounds().history_messages);
  return result;
}

message_send read_message_send(const param_reader& in) {
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

} // namespace starling
