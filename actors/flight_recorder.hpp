#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// What a process did before it crashed: its last events and its last slow messages, in plain memory that was there
/// from the start. They are written to a file
///
/// - when it crashes (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, and so `std::terminate`); then the signal does what it
///   does without us: exit status, core dump;
/// - on SIGUSR1, and the process goes on.
///
/// Only one thread writes; nothing is allocated, locked or formatted by others' code then. A thread whose own stack has
/// run over cannot write: there is no other stack for it.
namespace starling::flight_recorder {

inline constexpr std::size_t events_max = 512;        // beyond: the oldest goes
inline constexpr std::size_t slow_messages_max = 128; // the same
inline constexpr std::size_t line_bytes_max = 400;    // of one of them; the rest is cut off
inline constexpr std::size_t files_max = 8;           // of a process' name in its directory; beyond: the oldest goes

/// Notes one; callers see to it that no two do at a time. At any time, also when no recorder was started.
void note_event(std::int64_t unix_ms, std::string_view level, std::string_view name, std::string_view details);
void note_slow_message(std::int64_t unix_ms, std::string_view text);

/// From now on the signals are handled. `directory` is made if it is not there; empty: nothing is written, and SIGUSR1
/// says so. `process` is what the files are named by: "node-a". Returns why nothing can be written there, in a line, or
/// nothing. Called once, before others' threads are started.
std::string start(const std::string& directory, const std::string& process, std::string_view version);

/// Where the files go; empty: nowhere.
const std::string& directory();

} // namespace starling::flight_recorder
