#pragma once

#include "actors/inspector.hpp"

namespace starling {

/// `actors`: what the directory knows of the actors of this process, without asking any of them.
///
///     {"kind", "name"}      only these; a name may end with '*'
///     {"sort"}              "mailbox" (the default), "age", "busy", "rate", "errors", "longest", "handling", "handled"
///                           or "started", the most first
///     {"rates"}             true: also what they do per second, since the last such question (see `actor_rates`)
///     {"limit", "after"}    at most so many (50; up to 1000), behind so many
///
/// Answers `{"actors": [{"id", "parent", "kind", "name", "started", "waiting", "oldest_ms", "received", "handled",
/// "busy_ms", "longest_ms", "handling", "handling_ms", "errors", "last_error", "last_error_ago_ms", "restarts",
/// "last_failure", "rate", "busy"}], "matching", "more", "window_ms"}`. `handling` is the message in whose handler the
/// actor has been for `handling_ms`; `busy` is the part of the window that it was in handlers.
inspector_command actors_command();

} // namespace starling
