#pragma once

#include <chrono>
#include <optional>
#include <random>

#include "chat/rate_limit.hpp"

namespace starling {

/// Lets sessions be opened at a rate, and tells those who must wait when to come back. A plain value: the time comes
/// from outside.
///
/// When all clients of another node come at once, a fixed pause would only have them come at once again. So who is put
/// off gets the next place of a line that moves at the rate: they come back spread evenly over the time that the node
/// needs for all of them, in the order in which they came, and are let in then. Nobody is remembered, only how long the
/// line is; who does not come back leaves a place empty.
class admission {
public:
  using time_point = token_bucket::time_point;
  using milliseconds = std::chrono::milliseconds;

  static constexpr milliseconds soonest{100};
  static constexpr milliseconds latest{30'000};

  /// As a `token_bucket`; `seed` is for what is drawn where the line is full.
  admission(double per_second, double burst, std::uint32_t seed);

  /// Asks to open a session. Returns nothing if it may be, else how long to stay away.
  ///
  /// From `soonest` to `latest`. Those for whom the line is too long are spread over its later half, and some of them
  /// will have to come once more.
  std::optional<milliseconds> put_off(time_point now);

private:
  milliseconds next_place();

  double per_second_;
  double line_max_;
  token_bucket opens_;
  double line_ = 0; // who were put off and have not had their turn
  time_point moved_{};
  std::minstd_rand random_;
};

} // namespace starling
