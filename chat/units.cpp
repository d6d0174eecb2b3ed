#include "chat/units.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <span>

namespace starling {

namespace {

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

// From the largest to the smallest, which is 1.
constexpr std::array<unit, 5> durations{{{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
constexpr std::array<unit, 4> sizes{{{"GiB", 1ULL << 30U}, {"MiB", 1ULL << 20U}, {"KiB", 1ULL << 10U}, {"", 1}}};

std::optional<std::uint64_t> parse(std::string_view text, std::span<const unit> units) {
  std::uint64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view name(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
  for (const unit& u : units) {
    if (u.name != name) continue;
    // Both kinds of value end up in signed 64 bits somewhere.
    if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / u.factor) return std::nullopt;
    return number * u.factor;
  }
  return std::nullopt;
}

std::string format(std::uint64_t number, std::span<const unit> units) {
  for (const unit& u : units) {
    if (number != 0 && number % u.factor == 0) return std::to_string(number / u.factor) + std::string(u.name);
  }
  return "0";
}

} // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto number = parse(text, durations);
  if (!number) return std::nullopt;
  return std::chrono::milliseconds(static_cast<std::int64_t>(*number));
}

std::string format_duration(std::chrono::milliseconds duration) {
  const std::int64_t ms = duration.count();
  if (ms == 0) return "0s";
  if (ms < 0) return std::to_string(ms) + "ms";
  return format(static_cast<std::uint64_t>(ms), durations);
}

std::optional<std::size_t> parse_size(std::string_view text) { return parse(text, sizes); }

std::string format_size(std::size_t bytes) { return format(bytes, sizes); }

} // namespace starling
