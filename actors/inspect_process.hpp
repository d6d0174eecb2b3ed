#pragma once

#include "actors/inspector.hpp"

namespace starling {

/// `process`: one line on this process.
///
///     {"version", "uptime_s", "memory_bytes", "sessions", "rooms", "actors", "restarts", "messages_waiting"}
///
/// and what `more` adds to it, which is called from the inspector and must not wait.
inspector_command process_command(std::string version, std::function<nlohmann::json()> more);

} // namespace starling
