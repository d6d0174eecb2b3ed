#include "chat/rate_limit.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace starling {

namespace {

// Sums of fractions come out a little low; a request must not be refused for that after the wait that it was told.
constexpr double rounding = 1e-6;

constexpr double wait_max_ms = 3'600'000;

} // namespace

token_bucket::token_bucket(double per_second, double burst)
    : per_second_(per_second), burst_(std::max(burst, 1.0)), tokens_(burst_) {}

std::optional<std::chrono::milliseconds> token_bucket::take(time_point now) {
  if (now > last_) { // calls from different threads may have read the clock in another order
    tokens_ = std::min(burst_, tokens_ + per_second_ * std::chrono::duration<double>(now - last_).count());
    last_ = now;
  }
  if (tokens_ >= burst_ - rounding) refusals_ = 0;
  if (tokens_ >= 1 - rounding) {
    tokens_ = std::max(tokens_ - 1, 0.0);
    if (refusals_ > 0) --refusals_;
    return std::nullopt;
  }
  if (refusals_ < std::numeric_limits<std::uint32_t>::max()) ++refusals_;
  auto wait_ms = std::ceil((1 - tokens_) / per_second_ * 1000 - rounding);
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::clamp(wait_ms, 1.0, wait_max_ms)));
}

} // namespace starling
