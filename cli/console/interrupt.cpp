#include "cli/console/interrupt.hpp"

#include <thread>

namespace starling::cli {
namespace {

volatile sig_atomic_t pressed = 0;

void note(int) { pressed = 1; }

} // namespace

interrupt_guard::interrupt_guard() {
  pressed = 0;
  struct sigaction now {};
  now.sa_handler = note;
  sigaction(SIGINT, &now, &before_);
}

interrupt_guard::~interrupt_guard() { sigaction(SIGINT, &before_, nullptr); }

bool interrupt_guard::interrupted() const { return pressed != 0; }

bool interrupt_guard::pause(std::chrono::milliseconds how_long) const {
  // In short steps: the signal may be taken by any thread.
  constexpr std::chrono::milliseconds step{50};
  const auto end = std::chrono::steady_clock::now() + how_long;
  while (!interrupted() && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(step);
  return interrupted();
}

} // namespace starling::cli
