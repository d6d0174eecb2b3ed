#pragma once

#include "actors/inspector.hpp"

namespace starling {

/// `events`: what this process has logged, from the level of its log on; the last 4,096 are kept.
///
///     {"after"}    those behind this number, the oldest first; without it, the last
///     {"since"}    only those at or after this time
///     {"level"}    only those of this level, or a worse one
///     {"name"}     only those of this name, or that begin so: "shard.*"
///     {"limit"}    at most so many (100; up to 1000)
///
/// Answers `{"events": [{"number", "at", "level", "event", "details"}], "newest"}`; `at` is in ms since 1970. Numbers
/// count without holes from 1, at each start of the process: if nothing is asked but "after", and the first is not
/// "after" + 1, those between are forgotten. "newest" is the last that was looked at: go on after it.
inspector_command events_command();

} // namespace starling
