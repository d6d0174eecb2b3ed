#include "chat/json_text.hpp"

#include <chrono>
#include <cstdio>

#include "chat/codec.hpp"

namespace starling {

void json_object::name(std::string_view name) {
  if (out_.size() > 1) out_ += ',';
  out_ += '"';
  out_ += name;
  out_ += "\":";
}

json_object& json_object::add(std::string_view key, std::string_view value) {
  name(key);
  append_json_string(out_, value);
  return *this;
}

json_object& json_object::add(std::string_view key, std::uint64_t value) {
  name(key);
  out_ += std::to_string(value);
  return *this;
}

json_object& json_object::add(std::string_view key, bool value) {
  name(key);
  out_ += value ? "true" : "false";
  return *this;
}

json_object& json_object::add_json(std::string_view key, std::string_view value) {
  name(key);
  out_ += value;
  return *this;
}

json_object& json_object::add_members(std::string_view members) {
  if (!members.empty() && out_.size() > 1) out_ += ',';
  out_ += members;
  return *this;
}

std::string json_object::text() {
  out_ += '}';
  return std::move(out_);
}

json_array& json_array::add(std::string_view value) {
  if (out_.size() > 1) out_ += ',';
  append_json_string(out_, value);
  return *this;
}

json_array& json_array::add_json(std::string_view value) {
  if (out_.size() > 1) out_ += ',';
  out_ += value;
  return *this;
}

std::string json_array::text() {
  out_ += ']';
  return std::move(out_);
}

std::string time_text(std::int64_t unix_ms) {
  using namespace std::chrono;
  sys_time<milliseconds> at{milliseconds{unix_ms}};
  auto day = floor<days>(at);
  year_month_day date{day};
  hh_mm_ss time{at - day};
  char out[40];
  auto size = std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                            static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                            static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                            static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
  return {out, static_cast<std::size_t>(size)};
}

std::string_view name_of(room_kind kind) {
  switch (kind) {
  case room_kind::private_room:
    return "private";
  case room_kind::dialogue:
    return "dialogue";
  default:
    return "public";
  }
}

std::string_view name_of(room_role role) {
  switch (role) {
  case room_role::owner:
    return "owner";
  case room_role::moderator:
    return "moderator";
  case room_role::member:
    return "member";
  default:
    return "none";
  }
}

room_role role_from(std::string_view name) {
  for (auto role : {room_role::member, room_role::moderator, room_role::owner})
    if (name == name_of(role)) return role;
  return room_role::none;
}

room_kind kind_from(std::string_view name) {
  for (auto kind : {room_kind::private_room, room_kind::dialogue})
    if (name == name_of(kind)) return kind;
  return room_kind::public_room;
}

} // namespace starling
