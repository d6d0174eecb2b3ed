#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "chat/requests.hpp"

/// Writing JSON without building a tree first: results and notifications are put together from text.
namespace starling {

/// One object or array under construction: `json_object().add("room", id).add("seq", 7).text()`.
class json_object {
public:
  json_object() {
    out_.reserve(256); // most are shorter, and need not grow
    out_ += '{';
  }
  json_object& add(std::string_view name, std::string_view value);
  json_object& add(std::string_view name, const char* value) { return add(name, std::string_view(value)); }
  json_object& add(std::string_view name, std::uint64_t value);
  json_object& add(std::string_view name, int value) { return add(name, static_cast<std::uint64_t>(value)); }
  json_object& add(std::string_view name, bool value);
  /// `value` is JSON text already.
  json_object& add_json(std::string_view name, std::string_view value);
  /// Members as JSON text: `"text":"hi","key":"k"`; nothing if empty.
  json_object& add_members(std::string_view members);
  /// The JSON text; ends the construction.
  std::string text();

private:
  void name(std::string_view name);
  std::string out_;
};

class json_array {
public:
  json_array& add(std::string_view value);
  json_array& add_json(std::string_view value);
  /// The JSON text; ends the construction.
  std::string text();

private:
  std::string out_ = "[";
};

/// RFC 3339 in UTC with milliseconds: `2026-01-31T12:00:00.000Z`.
std::string time_text(std::int64_t unix_ms);

std::string_view name_of(room_kind kind);
std::string_view name_of(room_role role);
/// `room_role::none` if there is no such role.
room_role role_from(std::string_view name);
room_kind kind_from(std::string_view name);

} // namespace starling
