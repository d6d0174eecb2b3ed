#include "cli/bench/ledger.hpp"

#include <algorithm>

namespace starling::cli {

namespace {
constexpr std::uint64_t messages_max = 10'000'000;
}

bool acknowledged::add(std::uint64_t seq) {
  if (seq < first_ || seq - first_ >= messages_max) return false;
  auto at = static_cast<std::size_t>(seq - first_);
  if (at >= seqs_.size()) seqs_.resize(at + 1);
  seqs_[at] = true;
  return true;
}

std::uint64_t acknowledged::count(std::uint64_t from, std::uint64_t to) const {
  auto place = [&](std::uint64_t seq) {
    return static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(seq < first_ ? 0 : seq - first_, seqs_.size()));
  };
  if (from >= to) return 0;
  return static_cast<std::uint64_t>(std::count(seqs_.begin() + place(from), seqs_.begin() + place(to), true));
}

arrival arrivals::add(std::uint64_t seq) {
  if (seq >= next_) {
    if (seq > next_) holes_.emplace_back(next_, seq - 1);
    next_ = seq + 1;
    return arrival::next;
  }
  auto hole = std::find_if(holes_.begin(), holes_.end(),
                           [&](const auto& range) { return range.first <= seq && seq <= range.second; });
  if (hole == holes_.end()) return arrival::duplicate;
  auto [first, last] = *hole;
  holes_.erase(hole);
  if (first < seq) holes_.emplace_back(first, seq - 1);
  if (seq < last) holes_.emplace_back(seq + 1, last);
  return arrival::late;
}

std::uint64_t arrivals::lost(const acknowledged& sent) const {
  auto missing = sent.count(std::max(first_, next_));
  for (auto [first, last] : holes_)
    missing += sent.count(first, last + 1);
  return missing;
}

} // namespace starling::cli
