#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace starling {

/// What Redis answers: nil, an integer, a string (bulk or status), an array, or an error.
struct redis_value {
  struct error {
    std::string text; // as Redis sent it: "NOSCRIPT No matching script", "STALE 7"
  };
  using array = std::vector<redis_value>;

  std::variant<std::monostate, std::int64_t, std::string, array, error> data;

  redis_value() = default;
  redis_value(std::int64_t x) : data(x) {}
  redis_value(std::string x) : data(std::move(x)) {}
  redis_value(const char* x) : data(std::string(x)) {}
  redis_value(array x) : data(std::move(x)) {}
  redis_value(error x) : data(std::move(x)) {}

  bool is_nil() const { return std::holds_alternative<std::monostate>(data); }
  const error* if_error() const { return std::get_if<error>(&data); }
  const std::string* if_string() const { return std::get_if<std::string>(&data); }
  const array* if_array() const { return std::get_if<array>(&data); }

  /// The number that this is, also when Redis wrote it as a string; `otherwise` if it is none.
  std::int64_t to_int(std::int64_t otherwise = 0) const;
  /// The string that this is, an integer in decimal; empty if it is neither.
  std::string to_string() const;
  /// Element `i` of an array; nil where there is none.
  const redis_value& at(std::size_t i) const;
};

} // namespace starling
