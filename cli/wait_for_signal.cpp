#include "cli/wait_for_signal.hpp"

#include <csignal>
#include <ctime>

#include <unistd.h>

namespace starling::cli {
namespace {

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

sigset_t all_signals() {
  auto set = ending_signals();
  sigaddset(&set, SIGHUP);
  return set;
}

} // namespace

void keep_signals() {
  auto set = all_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr); // inherited by all threads: only sigwait sees them
}

int wait_for_signal(const std::function<void()>& on_hangup) {
  auto set = all_signals();
  for (;;) {
    int signal = 0;
    if (sigwait(&set, &signal) != 0) continue;
    if (signal != SIGHUP) return signal;
    on_hangup();
  }
}

void ask_to_end() { ::kill(::getpid(), SIGTERM); } // raise() would be for this thread alone

bool wait_until(const std::function<bool()>& condition, std::chrono::milliseconds longest) {
  using clock = std::chrono::steady_clock;
  auto set = ending_signals();
  auto end = clock::now() + longest;
  while (!condition()) {
    if (clock::now() >= end) return false;
    timespec step{0, 10'000'000};
    if (sigtimedwait(&set, nullptr, &step) > 0) return false;
  }
  return true;
}

} // namespace starling::cli
