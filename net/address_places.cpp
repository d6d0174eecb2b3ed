#include "net/address_places.hpp"

namespace starling::net {

std::optional<address_places::place> address_places::take(const ip_address& who) {
  std::lock_guard guard{mutex_};
  auto& mine = entries_.try_emplace(who, entry{this, who, 0}).first->second;
  if (mine.taken >= per_address_) return std::nullopt; // and so it was there before
  ++mine.taken;
  return place{mine};
}

std::size_t address_places::addresses() const {
  std::lock_guard guard{mutex_};
  return entries_.size();
}

void address_places::leave(entry& of) {
  std::lock_guard guard{mutex_};
  if (--of.taken == 0) entries_.erase(ip_address(of.who)); // a copy: the key goes with the entry
}

} // namespace starling::net
