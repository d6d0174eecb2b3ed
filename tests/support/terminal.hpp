#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace starling::test {

/// A program at a terminal of its own: what it writes is kept, and keys are typed to it. Killed by the destructor.
class terminal {
public:
  /// Throws std::system_error.
  terminal(const std::vector<std::string>& command, unsigned short rows, unsigned short columns);
  ~terminal();
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;

  void type(const std::string& keys);
  /// Does it write this text, within 10 s and after what was found before?
  bool shows(const std::string& text);
  /// Waits for its end; the exit status, or nothing if it still runs.
  std::optional<int> wait(std::chrono::milliseconds at_most);

private:
  void read(std::chrono::milliseconds at_most);

  pid_t pid_ = -1;
  int master_ = -1;
  std::string written_; // behind what was found
};

} // namespace starling::test
