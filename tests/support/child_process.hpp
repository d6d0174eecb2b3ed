#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace starling::test {

/// A program that a test has started. It is killed at the latest by the destructor, and by the kernel if the test
/// itself is killed.
class child_process {
public:
  /// Starts `command` (a path and its arguments) with both its outputs appended to `log_file`. Environment variables
  /// in `environment` ("NAME=value") are added to those of the test. Throws std::system_error.
  child_process(std::vector<std::string> command, std::string log_file, std::vector<std::string> environment = {});
  ~child_process();
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;

  pid_t pid() const { return pid_; }
  bool running();
  void signal(int number);
  void kill9(); // and waits for the end
  void stop();  // SIGSTOP: it is there, and does nothing
  void cont();
  /// Sends SIGTERM; returns what `wait` does.
  std::optional<int> terminate(std::chrono::milliseconds at_most);
  /// Waits for the end; the exit status, 128 + n for a death by signal n, or nothing if it still runs.
  std::optional<int> wait(std::chrono::milliseconds at_most);
  /// Starts the same command again, after the end of the one before.
  void restart();

private:
  void start();
  bool reap(int flags);

  std::vector<std::string> command_;
  std::string log_file_;
  std::vector<std::string> environment_;
  pid_t pid_ = -1;
  std::optional<int> status_;
};

/// What a program that was run to its end has written.
struct run_result {
  int status = 0;
  std::string out;
  std::string err;
};

/// Runs `command` to its end, found on PATH if it has no slash; throws std::runtime_error when that takes longer
/// than 20 s.
run_result run(const std::vector<std::string>& command, const std::string& input = {},
               const std::vector<std::string>& environment = {});

/// The same; throws std::runtime_error with what it said if the status is not 0. Returns what it wrote to stdout.
std::string run_or_throw(const std::vector<std::string>& command);

/// A port of 127.0.0.1 on which nothing listens, outside the range from which the kernel takes ports for clients.
std::uint16_t server_port();

/// A directory of its own, removed with all that is in it by the destructor.
class scratch_directory {
public:
  scratch_directory();
  ~scratch_directory();
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;

  const std::string& path() const { return path_; }
  /// The path of `name` inside.
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

private:
  std::string path_;
};

std::string read_file(const std::string& path);
/// Writes a file that only its owner may read, as secrets must be.
void write_file(const std::string& path, const std::string& content);

} // namespace starling::test
