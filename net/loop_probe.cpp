#include "net/loop_probe.hpp"

#include <algorithm>

#include <boost/asio/io_context.hpp>
#include <prometheus/metric_family.h>

namespace starling::net {

using std::chrono::steady_clock;

void loop_probe::start() {
  timer_.expires_after(std::chrono::milliseconds(1'000 / times_a_second));
  wait();
}

void loop_probe::wait() {
  timer_.async_wait([self = shared_from_this()](boost::system::error_code why) {
    if (why || self->stopped_) return;
    auto late = steady_clock::now() - self->timer_.expiry();
    self->note(std::chrono::duration_cast<microseconds>(late));
    self->start();
  });
}

void loop_probe::note(microseconds late) {
  auto& second = longest_us_[times_ / times_a_second % seconds_kept];
  const bool begins = times_++ % times_a_second == 0;
  second = begins ? late.count() : std::max(second.load(), static_cast<std::int64_t>(late.count()));
  last_us_ = late.count();
}

loop_probe::microseconds loop_probe::longest() const {
  std::int64_t result = 0;
  for (auto& second : longest_us_)
    result = std::max(result, second.load());
  return microseconds(result);
}

std::vector<prometheus::MetricFamily> loop_probe::Collect() const {
  auto gauge = [](const char* name, const char* help, microseconds value) {
    prometheus::MetricFamily result{name, help, prometheus::MetricType::Gauge, {{}}};
    result.metric.front().gauge.value = static_cast<double>(value.count()) * 1e-6;
    return result;
  };
  return {gauge("starling_loop_lag_seconds", "How late the last timer of ten a second was served.", last()),
          gauge("starling_loop_lag_max_seconds", "The latest of the last ten seconds.", longest())};
}

} // namespace starling::net
