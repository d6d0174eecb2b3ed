#include "actors/actor_rates.hpp"

#include <algorithm>

#include "actors/actor_record.hpp"

namespace starling {

void actor_rates::begin(time_point now) {
  now_ = now;
  const auto age = now - taken_;
  const bool known = taken_ != time_point{} && age < stale;
  window_ = known ? std::chrono::duration_cast<std::chrono::milliseconds>(age) : std::chrono::milliseconds(0);
  take_ = !known || age >= fresh;
  for (auto& one : parts_) {
    one.next = 0;
    one.now.clear();
    if (!known) one.before.clear();
  }
}

const actor_rates::sample* actor_rates::find(part& in, std::uint64_t id) {
  auto& all = in.before;
  if (in.next < all.size() && all[in.next].id == id) return &all[in.next++];
  auto i =
      std::lower_bound(all.begin(), all.end(), id, [](const sample& one, std::uint64_t it) { return one.id < it; });
  in.next = static_cast<std::size_t>(i - all.begin());
  if (i == all.end() || i->id != id) return nullptr;
  return &all[in.next++];
}

std::optional<actor_rate> actor_rates::look(const actor_record& actor) {
  auto& mine = parts_[actor.id % parts_.size()];
  const auto since = actor.handling_since.load(std::memory_order_relaxed); // a handler that runs counts so far
  const auto running = since == 0 ? 0 : std::max<std::int64_t>(0, now_.time_since_epoch().count() - since);
  const sample now{actor.id, actor.handled.load(std::memory_order_relaxed),
                   actor.busy_ns.load(std::memory_order_relaxed) + static_cast<std::uint64_t>(running)};
  if (take_) mine.now.push_back(now);
  if (window_.count() == 0) return std::nullopt;
  const auto* before = find(mine, actor.id);
  const auto seconds = static_cast<double>(window_.count()) / 1'000;
  const auto then = before ? *before : sample{actor.id, 0, 0}; // one that came meanwhile
  const auto busy_ns = now.busy_ns > then.busy_ns ? now.busy_ns - then.busy_ns : 0;
  return actor_rate{static_cast<double>(now.handled - then.handled) / seconds,
                    std::min(static_cast<double>(busy_ns) / 1e9 / seconds, 1.0)};
}

void actor_rates::end() {
  if (!take_) return;
  taken_ = now_;
  for (auto& one : parts_) {
    one.before.swap(one.now);
    std::sort(one.before.begin(), one.before.end(), [](const sample& a, const sample& b) { return a.id < b.id; });
  }
}

} // namespace starling
