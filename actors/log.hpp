#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include <fmt/core.h>

#include "chat/settings.hpp"

/// Logs to stderr, a line each: first the event, then key=value.
///
///     log::warn("shard.lost", "shard={} retry_in={}ms", name, delay.count());
///
/// What stands before the dot is the component, whose level may be set by itself (`log_settings::levels`). Any thread
/// may log at any time; a line is written before the call returns, so nothing is lost in a crash, and nobody should
/// log per message but at "trace".
namespace starling::log {

enum class level : std::uint8_t { trace, debug, info, warn, error, off };

/// Applies the settings from now on. Before the first call, it is text from "info" on. For what is configured, and now
/// and then an operator's change: each call keeps some hundred bytes for as long as the process lives.
void configure(const log_settings& settings);
/// What was applied last.
log_settings current();

namespace detail {

/// The lowest level that any component has: below it, a call costs one comparison.
extern std::atomic<level> lowest;

bool enabled(level at, std::string_view event);
void write(level at, std::string_view event, fmt::string_view format, fmt::format_args args);

} // namespace detail

/// Would this event be written?
inline bool enabled(level at, std::string_view event) {
  return at >= detail::lowest.load(std::memory_order_relaxed) && detail::enabled(at, event);
}

/// Writes an event, with its details unless there are none to tell.
template <class... Args>
void write(level at, std::string_view event, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(at, event)) detail::write(at, event, format, fmt::make_format_args(args...));
}

inline void write(level at, std::string_view event) {
  if (enabled(at, event)) detail::write(at, event, "", {});
}

template <class... Args>
void trace(std::string_view event, fmt::format_string<Args...> format, Args&&... args) {
  write(level::trace, event, format, std::forward<Args>(args)...);
}

template <class... Args>
void debug(std::string_view event, fmt::format_string<Args...> format, Args&&... args) {
  write(level::debug, event, format, std::forward<Args>(args)...);
}

template <class... Args>
void info(std::string_view event, fmt::format_string<Args...> format, Args&&... args) {
  write(level::info, event, format, std::forward<Args>(args)...);
}

template <class... Args>
void warn(std::string_view event, fmt::format_string<Args...> format, Args&&... args) {
  write(level::warn, event, format, std::forward<Args>(args)...);
}

template <class... Args>
void error(std::string_view event, fmt::format_string<Args...> format, Args&&... args) {
  write(level::error, event, format, std::forward<Args>(args)...);
}

/// What an operator has done: written at "info", whatever the level is.
template <class... Args>
void audit(std::string_view event, fmt::format_string<Args...> format, Args&&... args) {
  detail::write(level::info, event, format, fmt::make_format_args(args...));
}

inline void trace(std::string_view event) { write(level::trace, event); }
inline void debug(std::string_view event) { write(level::debug, event); }
inline void info(std::string_view event) { write(level::info, event); }
inline void warn(std::string_view event) { write(level::warn, event); }
inline void error(std::string_view event) { write(level::error, event); }

} // namespace starling::log
