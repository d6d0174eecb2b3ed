#pragma once

#include <chrono>
#include <functional>

namespace starling::cli {

/// Keeps SIGTERM, SIGINT and SIGHUP for `wait_for_signal`. Called in main's thread before any other is started.
void keep_signals();

/// Waits for SIGTERM or SIGINT, in the thread that called `keep_signals`; returns which. Calls `on_hangup` at each
/// SIGHUP that comes before.
int wait_for_signal(const std::function<void()>& on_hangup);

/// As SIGTERM from outside would. From any thread.
void ask_to_end();

/// Waits until `condition` holds, or `longest` has passed, or a second signal says that there is no more time.
bool wait_until(const std::function<bool()>& condition, std::chrono::milliseconds longest);

} // namespace starling::cli
