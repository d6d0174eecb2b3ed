#include "actors/events.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "actors/flight_recorder.hpp"

namespace starling {
namespace {

/// The worse, the higher.
std::size_t level_rank(std::string_view level) {
  constexpr std::array<std::string_view, 5> names{"trace", "debug", "info", "warn", "error"};
  const auto found = std::find(names.begin(), names.end(), level);
  return found == names.end() ? 0 : static_cast<std::size_t>(found - names.begin());
}

bool matches_name(std::string_view name, std::string_view wanted) {
  if (wanted.ends_with('*')) return name.starts_with(wanted.substr(0, wanted.size() - 1));
  return wanted.empty() || name == wanted;
}

} // namespace

/// Lives as long as the process, since threads may log until its very end.
event_ring& event_ring::instance() {
  static auto* const ring = new event_ring;
  return *ring;
}

void event_ring::add(std::string_view level, std::string_view name, std::string_view details) {
  using namespace std::chrono;
  auto now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  std::lock_guard lock(mutex_);
  flight_recorder::note_event(now, level, name, details);
  if (events_.size() == events_max) events_.pop_front();
  events_.push_back({++newest_, now, level, std::string(name), std::string(details)});
}

std::vector<event> event_ring::after(std::uint64_t number, std::size_t limit) const {
  std::lock_guard lock(mutex_);
  auto first = std::find_if(events_.begin(), events_.end(), [&](const event& one) { return one.number > number; });
  auto count = std::min(limit, static_cast<std::size_t>(events_.end() - first));
  return {first, first + static_cast<std::ptrdiff_t>(count)};
}

std::pair<std::vector<event>, std::uint64_t> event_ring::find(const event_query& what) const {
  const auto worst = level_rank(what.level);
  auto matches = [&](const event& one) {
    return one.number > what.after && one.unix_ms >= what.since_ms && level_rank(one.level) >= worst &&
           matches_name(one.name, what.name);
  };
  std::vector<event> result;
  std::lock_guard lock(mutex_);
  if (what.oldest_first) {
    for (auto& one : events_) {
      if (!matches(one)) continue;
      if (result.size() == what.limit) return {std::move(result), one.number - 1};
      result.push_back(one);
    }
    return {std::move(result), newest_};
  }
  for (auto one = events_.rbegin(); one != events_.rend() && result.size() < what.limit; ++one)
    if (matches(*one)) result.push_back(*one);
  std::reverse(result.begin(), result.end());
  return {std::move(result), newest_};
}

std::uint64_t event_ring::newest() const {
  std::lock_guard lock(mutex_);
  return newest_;
}

} // namespace starling
