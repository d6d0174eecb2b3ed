#pragma once

#include <chrono>

#include <signal.h>

namespace starling::cli {

/// While it stands, Ctrl-C ends what runs, not the console. One at a time.
class interrupt_guard {
public:
  interrupt_guard();
  ~interrupt_guard();
  interrupt_guard(const interrupt_guard&) = delete;
  interrupt_guard& operator=(const interrupt_guard&) = delete;

  /// Was Ctrl-C pressed?
  bool interrupted() const;
  /// Waits so long; true: Ctrl-C was pressed before or meanwhile.
  bool pause(std::chrono::milliseconds how_long) const;

private:
  struct sigaction before_ {};
};

} // namespace starling::cli
