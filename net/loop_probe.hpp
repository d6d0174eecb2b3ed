#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include <boost/asio/steady_timer.hpp>
#include <prometheus/collectable.h>

namespace starling::net {

/// How late the threads of an `io_context` do what is due: a timer, ten times a second, that looks at the clock.
///
/// It tells when all threads are busy; one alone that is stuck does not show as long as another is free.
class loop_probe : public prometheus::Collectable, public std::enable_shared_from_this<loop_probe> {
public:
  using microseconds = std::chrono::microseconds;

  explicit loop_probe(boost::asio::io_context& io) : timer_(io) {}
  void start();
  /// No more is measured from the next time on.
  void stop() { stopped_ = true; }

  microseconds last() const { return microseconds(last_us_); }
  /// The longest of the last ten seconds, the one under way included.
  microseconds longest() const;

  /// As starling_loop_lag_seconds and starling_loop_lag_max_seconds.
  std::vector<prometheus::MetricFamily> Collect() const override;

private:
  void wait();
  void note(microseconds late);

  static constexpr std::size_t seconds_kept = 10;
  static constexpr unsigned times_a_second = 10;

  boost::asio::steady_timer timer_; // used by its own handlers only, one after the other
  std::atomic<bool> stopped_ = false;
  std::atomic<std::int64_t> last_us_ = 0;
  std::array<std::atomic<std::int64_t>, seconds_kept> longest_us_{}; // of each second, in a ring
  unsigned times_ = 0;
};

} // namespace starling::net
