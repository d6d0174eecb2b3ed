#include "net/registry.hpp"

namespace starling::net {

using std::chrono::milliseconds;

namespace {

// With a tick of 100 ms a turn of the wheel is longer than the time between two pings.
constexpr std::size_t wheel_slots = 512;

} // namespace

registry::registry(std::size_t connections_max, milliseconds tick)
    : connections_max_(connections_max), wheel_(tick, wheel_slots), turned_at_(std::chrono::steady_clock::now()) {}

std::optional<registry::seat> registry::admit(address_places::place of) {
  std::lock_guard guard{mutex_};
  if (connections_.size() >= connections_max_) return std::nullopt;
  auto given = ++last_id_;
  connections_.emplace(given, entry{{}, std::move(of)});
  return seat{*this, given};
}

void registry::turn(steady_time now) {
  std::vector<std::shared_ptr<tracked>> due;
  {
    std::lock_guard guard{mutex_};
    auto elapsed = std::chrono::floor<milliseconds>(now - turned_at_);
    turned_at_ += elapsed;
    wheel_.advance(elapsed, [&](id which) {
      auto found = connections_.find(which); // gone, if the connection has ended since it asked
      if (found == connections_.end()) return;
      if (auto who = found->second.who.lock()) due.push_back(std::move(who));
    });
  }
  for (const auto& who : due)
    who->look();
}

std::vector<std::shared_ptr<tracked>> registry::all() const {
  std::vector<std::shared_ptr<tracked>> result;
  std::lock_guard guard{mutex_};
  result.reserve(connections_.size());
  for (const auto& [which, one] : connections_) {
    if (auto who = one.who.lock()) result.push_back(std::move(who));
  }
  return result;
}

std::size_t registry::size() const {
  std::lock_guard guard{mutex_};
  return connections_.size();
}

void registry::assign(id which, std::weak_ptr<tracked> who) {
  std::lock_guard guard{mutex_};
  connections_[which].who = std::move(who);
}

void registry::count_for(id which, address_places::place place) {
  std::lock_guard guard{mutex_};
  connections_[which].of = std::move(place);
}

std::optional<ip_address> registry::client(id which) const {
  std::lock_guard guard{mutex_};
  return connections_.at(which).of.client();
}

void registry::wake(id which, steady_time when) {
  std::lock_guard guard{mutex_};
  wheel_.schedule(which, std::chrono::ceil<milliseconds>(when - turned_at_));
}

void registry::remove(id which) {
  std::lock_guard guard{mutex_};
  connections_.erase(which);
}

} // namespace starling::net
