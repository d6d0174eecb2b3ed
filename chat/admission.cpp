#include "chat/admission.hpp"

#include <algorithm>
#include <cmath>

namespace starling {

admission::admission(double per_second, double burst, std::uint32_t seed)
    : per_second_(per_second), line_max_(per_second * std::chrono::duration<double>(latest - soonest).count()),
      opens_(per_second, burst), random_(seed) {}

std::optional<std::chrono::milliseconds> admission::put_off(time_point now) {
  if (now > moved_) { // calls from different threads may have read the clock in another order
    line_ = std::max(line_ - per_second_ * std::chrono::duration<double>(now - moved_).count(), 0.0);
    moved_ = now;
  }
  if (!opens_.take(now)) return std::nullopt;
  return next_place();
}

std::chrono::milliseconds admission::next_place() {
  auto place = line_ + 1;
  if (place <= line_max_)
    line_ = place;
  else
    place = std::uniform_real_distribution<double>{line_max_ / 2, line_max_}(random_);
  auto wait_ms = std::ceil(place * 1000 / per_second_);
  return std::clamp(soonest + milliseconds(static_cast<milliseconds::rep>(wait_ms)), soonest, latest);
}

} // namespace starling
