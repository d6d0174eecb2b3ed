#include "tests/support/terminal.hpp"

#include <cerrno>
#include <csignal>
#include <system_error>

#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

namespace starling::test {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

terminal::terminal(const std::vector<std::string>& command, unsigned short rows, unsigned short columns) {
  std::vector<char*> arguments;
  for (auto& one : command)
    arguments.push_back(const_cast<char*>(one.c_str())); // execv does not write
  arguments.push_back(nullptr);
  winsize size{rows, columns, 0, 0};
  pid_ = forkpty(&master_, nullptr, nullptr, &size);
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "forkpty");
  if (pid_ == 0) {
    execv(arguments[0], arguments.data());
    _exit(127);
  }
}

terminal::~terminal() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(master_);
}

void terminal::type(const std::string& keys) {
  for (char key : keys)
    if (::write(master_, &key, 1) != 1) throw std::system_error(errno, std::generic_category(), "write to a terminal");
}

void terminal::read(milliseconds at_most) {
  pollfd input{master_, POLLIN, 0};
  if (::poll(&input, 1, static_cast<int>(at_most.count())) <= 0) return;
  char bytes[4096];
  auto count = ::read(master_, bytes, sizeof bytes); // fails when the program has ended
  if (count > 0) written_.append(bytes, static_cast<std::size_t>(count));
}

bool terminal::shows(const std::string& text) {
  const auto end = steady_clock::now() + std::chrono::seconds(10);
  for (;;) {
    if (auto at = written_.find(text); at != std::string::npos) {
      written_.erase(0, at + text.size());
      return true;
    }
    if (steady_clock::now() > end) return false;
    read(milliseconds(100));
  }
}

std::optional<int> terminal::wait(milliseconds at_most) {
  const auto end = steady_clock::now() + at_most;
  for (;;) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    if (steady_clock::now() > end) return std::nullopt;
    read(milliseconds(20)); // it may be waiting for its output to be taken
  }
}

} // namespace starling::test
