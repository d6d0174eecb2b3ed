#pragma once

#include "actors/inspector.hpp"

namespace starling {

/// `peek`: all about a few actors, for which each of them is asked, for no longer than 500 ms.
///
///     {"id"}, or {"kind", "name"}, of which one may be left out      at most 16 actors
///     {"about"}      a user, for presence: what it knows of this one, in place of all in short
///
/// Answers `{"actors": [what `actors` says, and {"durations": [{"up_to_us", "count"}], "recent": [{"message", "ago_ms",
/// "took_us"}], "children": [{"id", "kind", "name"}], "children_count", "state": {...}, "mailbox": [{"message",
/// "age_ms"}], "mailbox_beyond"}]}`. One that does not answer in time has "busy" in place of the last three:
/// "in handler room_post for 3.2 s".
inspector_command peek_command();

/// `stuck`: what keeps this process from going on, each with the reason.
///
///     {"handler_ms"}    a handler that runs for longer (100)
///     {"age_ms"}        a message that waits for longer (1000)
///     {"errors_ms"}     an answer that an actor did not get within as long (60000)
///
/// Answers `{"stuck": [{"what": "handler" | "mailbox" | "request" | "shard", "id", "kind", "name", "for_ms",
/// "reason"}], "more"}`, at most 100. `shards`: what else is not as it should be, as `what`: "shard".
inspector_command stuck_command(std::function<nlohmann::json()> shards = nullptr);

} // namespace starling
