#include "actors/challenges.hpp"

#include <algorithm>

#include "actors/proof.hpp"

namespace starling {

std::string challenges::issue(time_point now) {
  if (issued_.size() >= open_max) issued_.pop_front();
  issued_.push_back({make_nonce(), now});
  return issued_.back().nonce;
}

bool challenges::take(const std::string& nonce, time_point now) {
  while (!issued_.empty() && now - issued_.front().when >= life)
    issued_.pop_front();
  auto i = std::find_if(issued_.begin(), issued_.end(), [&](const issued& one) { return one.nonce == nonce; });
  if (i == issued_.end()) return false;
  issued_.erase(i);
  return true;
}

} // namespace starling
