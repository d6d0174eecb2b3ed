#include "cli/child_process.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>

#include "cli/descriptor.hpp"

namespace starling::cli {
namespace {

// A log that has grown beyond this when its program starts is set aside as `<name>.old`, of which one is kept.
constexpr std::uintmax_t log_max_bytes = 64 * 1024 * 1024;

// While a child has our signal handlers but not yet its own program, a signal to it would be taken for one to us
// (Asio's handlers write into a pipe that both share). So none is let through between fork and exec.
class signals_blocked {
public:
  signals_blocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  signals_blocked(const signals_blocked&) = delete;
  signals_blocked& operator=(const signals_blocked&) = delete;
  ~signals_blocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
  sigset_t before_{};
};

struct child_setup {
  char* const* argv;
  int input;
  int output;
  int failure; // errno is written here if the program cannot be run
  int orphan_signal;
  pid_t parent;
};

// Runs in the child: only what is safe between fork and exec.
[[noreturn]] void become(const child_setup& setup) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, setup.orphan_signal);
  if (getppid() != setup.parent) _exit(0); // the parent died before it could be noticed
  dup2(setup.input, STDIN_FILENO);
  dup2(setup.output, STDOUT_FILENO);
  dup2(setup.output, STDERR_FILENO);
  // Sockets of our own must not live on in a child: a port would stay taken. Asio does not mark them.
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  for (int sig = 1; sig < NSIG; ++sig)
    signal(sig, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
  execvp(setup.argv[0], setup.argv);
  const int reason = errno;
  // If even this cannot be written, the exit status still tells.
  [[maybe_unused]] const auto written = write(setup.failure, &reason, sizeof reason);
  _exit(127);
}

std::string reason_of(int error) { return std::strerror(error); }

void set_aside_if_large(const std::filesystem::path& log_file) {
  std::error_code ignored; // no log yet, or it stays where it is and grows: neither keeps a program from starting
  if (const auto size = std::filesystem::file_size(log_file, ignored); !ignored && size > log_max_bytes)
    std::filesystem::rename(log_file, log_file.string() + ".old", ignored);
}

} // namespace

launched launch(const std::vector<std::string>& argv, const std::filesystem::path& log_file, int orphan_signal) {
  set_aside_if_large(log_file);
  const descriptor output{open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)};
  if (output.get() < 0) return {-1, "cannot write " + log_file.string() + ": " + reason_of(errno)};
  const descriptor input{open("/dev/null", O_RDONLY | O_CLOEXEC)};
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return {-1, "cannot make a pipe: " + reason_of(errno)};
  const descriptor failure_out{ends[0]};
  descriptor failure_in{ends[1]};

  std::vector<char*> words;
  for (const auto& word : argv)
    words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const child_setup setup{words.data(), input.get(), output.get(), failure_in.get(), orphan_signal, getpid()};

  pid_t pid = -1;
  {
    const signals_blocked quiet;
    pid = fork();
    if (pid == 0) become(setup);
  }
  if (pid < 0) return {-1, "cannot start a process: " + reason_of(errno)};
  failure_in.close();

  // Ends at once: exec closes the other end, or the child says what failed.
  int reason = 0;
  ssize_t got = 0;
  do
    got = read(failure_out.get(), &reason, sizeof reason);
  while (got < 0 && errno == EINTR);
  if (got == 0) return {pid, {}};
  waitpid(pid, nullptr, 0);
  return {-1, "cannot run " + argv[0] + ": " + reason_of(reason)};
}

std::string describe_end(int wait_status) {
  if (WIFSIGNALED(wait_status)) return "was killed by signal " + std::to_string(WTERMSIG(wait_status));
  return "ended with status " + std::to_string(WEXITSTATUS(wait_status));
}

std::string last_line(const std::filesystem::path& log_file, std::uintmax_t since_bytes) {
  constexpr std::streamoff tail_bytes = 4096;
  constexpr std::size_t line_bytes = 400;
  std::ifstream in(log_file, std::ios::binary);
  in.seekg(0, std::ios::end);
  const std::streamoff size = in.tellg();
  const auto since = static_cast<std::streamoff>(since_bytes);
  const auto from = since <= size ? since : 0; // it was set aside and begun anew
  in.seekg(std::max(from, size - tail_bytes));
  std::string found;
  for (std::string line; std::getline(in, line);)
    if (line.find_first_not_of(" \t\r") != std::string::npos) found = line;
  return found.substr(0, line_bytes);
}

} // namespace starling::cli
