#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace starling::cli {

/// What became of an attempt to start a program.
struct launched {
  pid_t pid = -1;
  std::string error; // empty: it runs
};

/// Starts `argv` (the program is looked for on PATH) in a process group of its own, so that a Ctrl-C at the terminal
/// reaches only the caller. Its input is empty, its output is appended to `log_file`. When the calling thread ends,
/// however that happens, the child gets `orphan_signal`.
launched launch(const std::vector<std::string>& argv, const std::filesystem::path& log_file, int orphan_signal);

/// "was killed by signal 9" or "ended with status 1", from what `waitpid` said.
std::string describe_end(int wait_status);

/// The last line that is not empty in what a log has gained since it had `since_bytes`, cut at 400 bytes; or nothing.
std::string last_line(const std::filesystem::path& log_file, std::uintmax_t since_bytes);

} // namespace starling::cli
