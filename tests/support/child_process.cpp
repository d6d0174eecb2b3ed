#include "tests/support/child_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <system_error>

extern char** environ;

namespace starling::test {

namespace {

using namespace std::chrono_literals;

std::system_error failure(const std::string& what) { return {errno, std::generic_category(), what}; }

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (const auto& s : strings)
    result.push_back(const_cast<char*>(s.c_str())); // exec's signature, not its behaviour
  result.push_back(nullptr);
  return result;
}

/// Starts a program. What runs between fork and exec must not allocate: another thread may have held the lock.
pid_t spawn(const std::vector<std::string>& command, const std::vector<std::string>& environment, int in, int out,
            int err) {
  std::vector<std::string> variables;
  for (char** v = environ; *v != nullptr; ++v)
    variables.emplace_back(*v);
  variables.insert(variables.end(), environment.begin(), environment.end());
  auto arguments = pointers(command);
  auto names = pointers(variables);
  const auto parent = getpid();
  const auto pid = fork();
  if (pid < 0) throw failure("fork");
  if (pid > 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127); // the parent ended before the line above
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) _exit(127);
  execvpe(arguments[0], arguments.data(), names.data());
  _exit(127);
}

/// A file descriptor that closes itself.
struct descriptor {
  int number;
  explicit descriptor(int n) : number(n) {}
  ~descriptor() { reset(); }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  void reset() {
    if (number >= 0) ::close(number);
    number = -1;
  }
};

int status_of(int from_waitpid) {
  return WIFEXITED(from_waitpid) ? WEXITSTATUS(from_waitpid) : 128 + WTERMSIG(from_waitpid);
}

/// Waits for readable bytes or for the end of a process, in steps short against any deadline of a test.
void pause_shortly() { poll(nullptr, 0, 5); }

} // namespace

child_process::child_process(std::vector<std::string> command, std::string log_file,
                             std::vector<std::string> environment)
    : command_(std::move(command)), log_file_(std::move(log_file)), environment_(std::move(environment)) {
  start();
}

child_process::~child_process() { kill9(); }

void child_process::start() {
  const descriptor log(open(log_file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  const descriptor nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (log.number < 0 || nothing.number < 0) throw failure("open " + log_file_);
  status_.reset();
  pid_ = spawn(command_, environment_, nothing.number, log.number, log.number);
}

bool child_process::reap(int flags) {
  if (status_) return true;
  int status = 0;
  if (waitpid(pid_, &status, flags) != pid_) return false;
  status_ = status_of(status);
  return true;
}

bool child_process::running() { return !reap(WNOHANG); }

void child_process::signal(int number) {
  if (running()) ::kill(pid_, number);
}

void child_process::kill9() {
  signal(SIGKILL);
  reap(0);
}

void child_process::stop() { signal(SIGSTOP); }
void child_process::cont() { signal(SIGCONT); }

std::optional<int> child_process::terminate(std::chrono::milliseconds at_most) {
  signal(SIGTERM);
  return wait(at_most);
}

std::optional<int> child_process::wait(std::chrono::milliseconds at_most) {
  const auto end = std::chrono::steady_clock::now() + at_most;
  while (running()) {
    if (std::chrono::steady_clock::now() > end) return std::nullopt;
    pause_shortly();
  }
  return status_;
}

void child_process::restart() {
  kill9();
  start();
}

run_result run(const std::vector<std::string>& command, const std::string& input,
               const std::vector<std::string>& environment) {
  int in[2], out[2], err[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0) throw failure("pipe");
  descriptor in_read(in[0]), in_write(in[1]), out_read(out[0]), out_write(out[1]), err_read(err[0]), err_write(err[1]);
  const auto pid = spawn(command, environment, in_read.number, out_write.number, err_write.number);
  in_read.reset();
  out_write.reset();
  err_write.reset();
  // Inputs of tests are far below a pipe's buffer: one write takes them whole.
  if (!input.empty() && write(in_write.number, input.data(), input.size()) != static_cast<ssize_t>(input.size()))
    throw failure("write to " + command.front());
  in_write.reset();

  run_result result;
  const auto end = std::chrono::steady_clock::now() + 20s;
  pollfd ends[] = {{out_read.number, POLLIN, 0}, {err_read.number, POLLIN, 0}};
  for (int open_ends = 2; open_ends > 0;) {
    if (std::chrono::steady_clock::now() > end) {
      ::kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
      throw std::runtime_error(command.front() + " did not end within 20 s: " + result.out + result.err);
    }
    if (poll(ends, 2, 100) <= 0) continue;
    for (auto* e = ends; e != ends + 2; ++e) {
      if (e->fd < 0 || e->revents == 0) continue;
      char buffer[4096];
      const auto n = read(e->fd, buffer, sizeof buffer);
      if (n > 0) {
        (e == ends ? result.out : result.err).append(buffer, static_cast<std::size_t>(n));
      } else {
        e->fd = -1;
        --open_ends;
      }
    }
  }
  int status = 0;
  waitpid(pid, &status, 0);
  result.status = status_of(status);
  return result;
}

std::string run_or_throw(const std::vector<std::string>& command) {
  auto result = run(command);
  if (result.status == 0) return std::move(result.out);
  std::string line;
  for (const auto& word : command)
    line += word + " ";
  throw std::runtime_error(line + "ended with " + std::to_string(result.status) + ": " + result.out + result.err);
}

std::uint16_t server_port() {
  static std::mt19937 random{std::random_device{}()};
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const auto port = static_cast<std::uint16_t>(std::uniform_int_distribution<int>(12'000, 31'999)(random));
    const descriptor probe(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(probe.number, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return port;
  }
  throw std::runtime_error("no free port between 12000 and 31999");
}

scratch_directory::scratch_directory() {
  auto name = (std::filesystem::temp_directory_path() / "starling-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw failure("mkdtemp " + name);
  path_ = name;
}

scratch_directory::~scratch_directory() {
  std::error_code ignored; // a file left in /tmp is no reason to fail a test
  std::filesystem::remove_all(path_, ignored);
}

std::string read_file(const std::string& path) {
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

void write_file(const std::string& path, const std::string& content) {
  const descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (file.number < 0 || write(file.number, content.data(), content.size()) != static_cast<ssize_t>(content.size()))
    throw failure("write " + path);
}

} // namespace starling::test
