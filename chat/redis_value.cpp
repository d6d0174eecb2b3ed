#include "chat/redis_value.hpp"

#include <charconv>

namespace starling {

std::int64_t redis_value::to_int(std::int64_t otherwise) const {
  if (auto* number = std::get_if<std::int64_t>(&data)) return *number;
  if (auto* text = if_string()) {
    std::int64_t result = 0;
    auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), result);
    if (ec == std::errc{} && end == text->data() + text->size()) return result;
  }
  return otherwise;
}

std::string redis_value::to_string() const {
  if (auto* text = if_string()) return *text;
  if (auto* number = std::get_if<std::int64_t>(&data)) return std::to_string(*number);
  return {};
}

const redis_value& redis_value::at(std::size_t i) const {
  static const redis_value nil;
  auto* items = if_array();
  return items && i < items->size() ? (*items)[i] : nil;
}

} // namespace starling
