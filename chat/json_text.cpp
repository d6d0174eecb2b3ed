#include "chat/json_text.hpp"

#include <algorithm>
#include <chrono>

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
  using namespace std::chrono_literals;
  // It comes from Redis too; there is room for four digits of the year.
  constexpr sys_time<milliseconds> first = sys_days{year{0} / 1 / 1}, last = sys_days{year{10000} / 1 / 1} - 1ms;
  auto at = std::clamp(sys_time<milliseconds>{milliseconds{unix_ms}}, first, last);
  auto day = floor<days>(at);
  year_month_day date{day};
  hh_mm_ss time{at - day};
  std::string out = "0000-00-00T00:00:00.000Z";
  // Each message has a time: printf would cost as much as half of its encoding.
  auto put = [&out](std::size_t end, std::size_t digits, std::int64_t value) {
    for (; digits > 0; --digits, value /= 10)
      out[--end] = static_cast<char>('0' + value % 10);
  };
  put(4, 4, static_cast<int>(date.year()));
  put(7, 2, static_cast<unsigned>(date.month()));
  put(10, 2, static_cast<unsigned>(date.day()));
  put(13, 2, time.hours().count());
  put(16, 2, time.minutes().count());
  put(19, 2, time.seconds().count());
  put(23, 3, time.subseconds().count());
  return out;
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
