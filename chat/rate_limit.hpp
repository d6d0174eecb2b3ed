#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace starling {

/// Lets requests pass at a rate, and a burst of them at once after a rest. A plain value: the time comes from outside.
class token_bucket {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Begins full. `per_second` is above 0; a burst below 1 counts as 1, since nothing would ever pass.
  token_bucket(double per_second, double burst);

  /// Asks for one request to pass. Returns nothing if it may, else how long to wait (at least 1 ms, at most an hour):
  /// the same asked again after that passes, if nothing else was asked meanwhile.
  std::optional<std::chrono::milliseconds> take(time_point now);

  /// How much the client floods: up by one with each refusal, down by one with each request that passes, zero again
  /// when a rest has filled the bucket.
  ///
  /// Refusals that merely stand in a row would never count far, since also of a flood every so many-th passes. So it
  /// grows as long as more is refused than passes: a client at ten times the rate gains about eight in ten requests;
  /// one that tries again after the wait that it was told, or is somewhat too fast, stays near zero.
  std::size_t refusals() const { return refusals_; }

private:
  double per_second_;
  double burst_;
  double tokens_;
  time_point last_{};
  std::uint32_t refusals_ = 0;
};

} // namespace starling
