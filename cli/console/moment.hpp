#pragma once

#include <cstdint>
#include <optional>
#include <string>

/// How the console writes and reads moments.
namespace starling::cli {

/// "2026-01-31T12:00:00.250Z"
std::string moment_text(std::int64_t unix_ms);

/// "10m": so long ago; or as above, with or without the milliseconds. In ms since 1970.
std::optional<std::int64_t> parse_moment(const std::string& text);

std::int64_t now_unix_ms();

} // namespace starling::cli
