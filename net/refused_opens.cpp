#include "net/refused_opens.hpp"

namespace starling::net {

void refused_opens::add(const ip_address& who, time_point now) {
  std::lock_guard guard{mutex_};
  forget(now);
  auto [found, fresh] = entries_.try_emplace(who, entry{now + remembered, 0});
  ++found->second.count;
  if (!fresh) return;
  order_.push_back(who);
  if (order_.size() <= addresses_max) return;
  entries_.erase(order_.front());
  order_.pop_front();
}

std::optional<std::chrono::seconds> refused_opens::wait_of(const ip_address& who, time_point now) {
  std::lock_guard guard{mutex_};
  forget(now);
  auto found = entries_.find(who);
  if (found == entries_.end() || found->second.count < per_minute_) return std::nullopt;
  return std::chrono::ceil<std::chrono::seconds>(found->second.until - now);
}

std::size_t refused_opens::addresses() const {
  std::lock_guard guard{mutex_};
  return entries_.size();
}

/// Those whose minute is over.
void refused_opens::forget(time_point now) {
  while (!order_.empty()) {
    auto oldest = entries_.find(order_.front());
    if (oldest->second.until > now) return;
    entries_.erase(oldest);
    order_.pop_front();
  }
}

} // namespace starling::net
