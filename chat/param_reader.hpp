#pragma once

#include <new>

#include <simdjson.h>

#include "chat/codec.hpp"
#include "chat/json_text.hpp"

/// Reading what strangers ask as JSON, for the client protocol and for the server API.
namespace starling {

/// What is wrong with a request, on its way from the member that showed it to `decode_one` or `decode_api_call`.
struct bad_request {
  client_error why;
};

[[noreturn]] inline void refuse(errc code, std::string text) { throw bad_request{{code, std::move(text), {}, 0}}; }

[[noreturn]] inline void refuse_param(const char* name, std::string expected) {
  throw bad_request{{errc::bad_params, std::string(name) + ": " + std::move(expected), name, 0}};
}

/// Deeper JSON than anybody sends on purpose, and than all clients could read.
inline constexpr std::size_t depth_max = 64;

/// A parser that stops at `depth_max`. What it has parsed is good until it parses the next.
class deep_parser {
public:
  deep_parser() { // it grows with what comes, which limits.frame_bytes bounds
    if (parser_.allocate(4096, depth_max)) throw std::bad_alloc();
  }

  simdjson::simdjson_result<simdjson::dom::element> parse(std::string_view text) {
    return parser_.parse(text.data(), text.size());
  }

private:
  simdjson::dom::parser parser_;
};

/// Reads the members of a request's `params`; names the first that is missing or mistyped.
class param_reader {
public:
  param_reader(simdjson::dom::object params, const limits& bounds) : params_(params), bounds_(bounds) {}

  const limits& bounds() const { return bounds_; }
  bool has(const char* name) const { return params_.at_key(name).error() == simdjson::SUCCESS; }

  simdjson::dom::element need(const char* name) const {
    simdjson::dom::element value;
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
    simdjson::dom::array list;
    if (need(name).get(list)) refuse_param(name, "must be an array of user ids");
    if (list.size() > bounds_.users_per_request)
      refuse_param(name, "at most " + std::to_string(bounds_.users_per_request) + " users");
    std::vector<user_id> result;
    result.reserve(list.size());
    for (auto item : list)
      result.push_back(user(name, item));
    return result;
  }

  static std::uint64_t number(const char* name, simdjson::dom::element value) {
    // Numbers beyond 2^53 - 1 are not exact in every client's language, and no log is that long.
    std::uint64_t result = 0;
    if (value.get(result) || result > 9007199254740991U) refuse_param(name, "must be a whole number, not negative");
    return result;
  }

private:
  static user_id user(const char* name, simdjson::dom::element value) {
    std::string_view id;
    if (value.get(id) || !is_user_id(id)) refuse_param(name, "not a user id ([A-Za-z0-9._-], 1 to 64)");
    return user_id(id);
  }

  simdjson::dom::object params_;
  const limits& bounds_;
};

// What the client protocol and the server API have in common.
room_create read_room_create(const param_reader& in);
room_add read_room_add(const param_reader& in);
room_members read_room_members(const param_reader& in);
room_history read_room_history(const param_reader& in);
message_send read_message_send(const param_reader& in);

} // namespace starling
