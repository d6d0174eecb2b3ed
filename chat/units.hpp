#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

/// How people write durations and sizes, in the configuration and on the command line.
namespace starling {

/// Reads a whole number with its unit: "500ms", "10s", "2m", "1h", "1d". Without a unit it is no duration.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// Writes a duration in the largest unit that holds it exactly: "10s", "1500ms".
std::string format_duration(std::chrono::milliseconds duration);

/// Reads a number of bytes: "65536", "64KiB", "1MiB", "2GiB".
std::optional<std::size_t> parse_size(std::string_view text);

/// Writes a number of bytes in the largest unit that holds it exactly: "64KiB", "1000".
std::string format_size(std::size_t bytes);

} // namespace starling
