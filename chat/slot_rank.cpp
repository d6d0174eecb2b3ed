#include "chat/slot_rank.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <functional>
#include <queue>

#include <xxhash.h>

namespace starling {

namespace {

/// log2(x) with 20 bits after the point. `x` is not 0.
std::uint64_t fixed_log2(std::uint64_t x) {
  auto whole = static_cast<unsigned>(std::bit_width(x) - 1);
  std::uint64_t result = whole;
  auto mantissa = (x << (63 - whole)) >> 32; // in [1, 2), with 31 bits after the point
  for (int bit = 0; bit < 20; ++bit) {
    // Squaring doubles the logarithm: each time it passes 1, the next bit of it is set. What rounding adds up to by
    // the last bits does not matter here; that it is the same everywhere does.
    auto square = mantissa * mantissa; // in [1, 4), with 62 bits after the point
    auto carry = square >> 63;
    mantissa = square >> (31 + carry);
    result = (result << 1) | carry;
  }
  return result;
}

/// A shard that queues up for a slot.
struct claim {
  std::uint64_t held;
  std::uint64_t weight;
  std::size_t shard;

  /// The one with the fewest slots per weight goes first. The products are exact: 14 bits and 10.
  bool operator>(const claim& other) const {
    auto mine = held * other.weight;
    auto theirs = other.held * weight;
    return mine != theirs ? mine > theirs : shard > other.shard;
  }
};

/// A slot that may move to a shard.
struct candidate {
  std::int64_t price; // what the shard has to pay for it, less what its holder would
  slot_number slot;
  std::uint16_t taker;

  /// The cheapest goes first; among equals, the lower slot, then the shard whose name comes first.
  auto operator<=>(const candidate&) const = default;
};

} // namespace

std::vector<std::size_t> shares_of(const std::vector<shard_entry>& shards) {
  assert(!shards.empty() && shards.size() <= shards_max);
  std::uint64_t total = 0;
  for (const auto& shard : shards)
    total += shard.weight;

  // All who hold less than (slot_count - shards) / total per weight are served before anybody who holds more, and what
  // they then have, each rounded up, is not yet all: so the queue may begin there.
  auto sure = slot_count - shards.size();
  std::vector<std::size_t> result;
  std::size_t given = 0;
  std::priority_queue<claim, std::vector<claim>, std::greater<>> queue;
  for (const auto& shard : shards) {
    auto held = (shard.weight * sure + total - 1) / total;
    queue.push({held, shard.weight, result.size()});
    result.push_back(held);
    given += held;
  }
  for (; given < slot_count; ++given) {
    auto next = queue.top();
    queue.pop();
    result[next.shard] = ++next.held;
    queue.push(next);
  }
  return result;
}

std::uint64_t rank_seed(std::string_view shard) { return XXH64(shard.data(), shard.size(), 0); }

std::int64_t slot_price(slot_number slot, std::uint64_t seed, std::uint32_t weight) {
  const std::array<unsigned char, 2> bytes{static_cast<unsigned char>(slot & 0xff),
                                           static_cast<unsigned char>(slot >> 8)};
  auto hash = std::max<std::uint64_t>(XXH64(bytes.data(), bytes.size(), seed), 1); // 0 has no logarithm
  auto cost = (std::uint64_t{64} << 20) - fixed_log2(hash);                        // at most 2^26
  return static_cast<std::int64_t>((cost << 32) / weight);
}

void assign(std::vector<std::uint16_t>& slots, const std::vector<shard_entry>& shards,
            const std::vector<std::size_t>& targets) {
  std::vector<std::size_t> to_give(shards.size()), to_take(targets);
  for (auto holder : slots) {
    if (holder == homeless) continue;
    if (to_take[holder] > 0)
      --to_take[holder];
    else
      ++to_give[holder];
  }
  std::vector<std::uint64_t> seeds;
  for (const auto& shard : shards)
    seeds.push_back(rank_seed(shard.name));
  std::vector<std::uint16_t> takers; // those that still have room
  for (std::uint16_t i = 0; i < shards.size(); ++i)
    if (to_take[i] > 0) takers.push_back(i);

  auto price = [&](slot_number slot, std::uint16_t shard) {
    return slot_price(slot, seeds[shard], shards[shard].weight);
  };
  auto cheapest = [&](slot_number slot) {
    auto holder = slots[slot];
    auto spared = holder == homeless ? 0 : price(slot, holder);
    candidate best{price(slot, takers.front()) - spared, slot, takers.front()};
    for (auto taker : takers)
      best = std::min(best, candidate{price(slot, taker) - spared, slot, taker});
    return best;
  };
  // One candidate per slot is enough: its next one is only looked up when the taker of the first has been served.
  std::priority_queue<candidate, std::vector<candidate>, std::greater<>> waiting;
  for (std::size_t i = 0; i < slots.size() && !takers.empty(); ++i)
    if (slots[i] == homeless || to_give[slots[i]] > 0) waiting.push(cheapest(static_cast<slot_number>(i)));

  while (!takers.empty()) {
    auto next = waiting.top();
    waiting.pop();
    auto& holder = slots[next.slot];
    if (holder != homeless && to_give[holder] == 0) continue; // its holder has given enough
    if (to_take[next.taker] == 0) {
      waiting.push(cheapest(next.slot));
      continue;
    }
    if (holder != homeless) --to_give[holder];
    holder = next.taker;
    if (--to_take[next.taker] == 0) std::erase(takers, next.taker);
  }
}

} // namespace starling
