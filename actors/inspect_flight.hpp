#pragma once

#include "actors/inspector.hpp"

namespace starling {

/// `flight`: the messages that actors of this process were slow with lately, the slowest first.
///
///     {"limit"}    at most so many (20; up to 256)
///
/// Answers `{"slow": [{"at", "kind", "name", "message", "waited_ms", "took_ms"}], "slow_from_ms", "directory"}`; `at`
/// is in ms since 1970, "directory" where the flight recorder leaves its files (empty: nowhere).
inspector_command flight_command();

} // namespace starling
