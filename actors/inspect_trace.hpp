#pragma once

#include "actors/inspector.hpp"

namespace starling {

/// Follows messages through this process (see actors/trace.hpp). One trace at a time: who has begun one may put another
/// in its place or end it, others wait for its end. It changes nothing that a user sees.
///
/// A console begins on all nodes before it starts on any: so none misses what another has chosen.

/// `trace_begin`: notes from now on what other nodes choose.
///
///     {"what"}     "room", "user" (who sends) or "message"
///     {"id"}       of the room or user, or the message's idempotency key
///     {"count"}    so many messages that begin here (1; up to 100)
///     {"seconds"}  for so long (10; up to 60), and a second more for those that were chosen last
///     {"by"}       who traces, to be told to others
///
/// Answers `{"left_ms", "now"}`, as all times in ns since 1970; refuses with who else traces, and for how long.
inspector_command trace_begin_command();

/// `trace_start`: chooses messages from now on. Refuses if the trace is over, or not of who asks.
inspector_command trace_start_command();

/// `trace_read`: what has been noted since the last `trace_begin`.
///
/// Answers `{"on", "now", "passed_over", "messages": [{"trace", "room", "from", "epoch", "seq", "connections",
/// "hops": [{"hop", "at", "detail"}]}]}`; the hop "written" has "connections" and "last" too: to how many it was
/// written, and when to the last of them. "epoch" and "seq" are 0 while the message is not in the log, "from" is empty
/// where it is not known. "passed_over": messages that were not noted, since there were too many of them.
inspector_command trace_read_command();

/// `trace_end`: what was noted stays until the next begins. Answers `{"ended"}`: false if it was over, or another's.
inspector_command trace_end_command();

} // namespace starling
