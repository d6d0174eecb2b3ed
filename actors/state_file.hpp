#pragma once

#include <optional>
#include <string>
#include <variant>

/// Small files that are read as a whole at the start and must survive a crash at any moment.
namespace starling {

struct file_missing {};
struct file_fault {
  std::string text; // names the file
};

/// Reads a file of at most 16 MiB. Blocks.
std::variant<std::string, file_missing, file_fault> read_state_file(const std::string& path);

/// Replaces the file: afterwards it has, also after a loss of power, all of the old content or all of the new. Readable
/// by its owner only. Blocks until it is on the disk. Returns what went wrong.
std::optional<file_fault> write_state_file(const std::string& path, const std::string& content);

} // namespace starling
