#pragma once

#include <chrono>
#include <deque>
#include <string>

namespace starling {

/// Nonces that were given out to be answered: each is good once, and for a while.
class challenges {
public:
  using time_point = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::seconds life{10};
  static constexpr std::size_t open_max = 1'024; // beyond: the oldest is void, who has it begins again

  std::string issue(time_point now);
  /// False if it was never given out, or is used up or too old.
  bool take(const std::string& nonce, time_point now);

private:
  struct issued {
    std::string nonce;
    time_point when;
  };
  std::deque<issued> issued_; // the oldest first
};

} // namespace starling
