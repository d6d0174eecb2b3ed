#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "chat/slot_table.hpp"

/// The two halves of placement, both in integers only, so that every platform comes to the same table:
/// how many slots each shard is to hold (`shares_of`), and which (`assign`).
namespace starling {

/// Returns how many slots each shard is to hold: Adams's apportionment, where each next slot goes to the shard with the
/// fewest per weight, the first by name among equals. It depends on nothing but the weights, and has what we need:
/// - No shard has a whole slot more than its fair share (weight / total weight * slot_count). When shard i gets its
///   c-th slot, each other has at least (c - 1) / weight_i per weight, so (c - 1) * total / weight_i < slot_count.
/// - The order in which a shard queues up for slots does not depend on the others. So if one comes, the others only
///   lose, if one leaves, they only gain, and if a weight is raised or lowered, the same: nothing moves between others.
/// - Each shard has at least one.
/// The price: all this rounds up, and the heaviest pay for it, with fewer slots in total than there are shards. Largest
/// remainders would be closer for them, but a remainder that passes another moves slots between shards that nobody
/// touched; and rounding that instead remembers what was ends in shards that have too much and may not give it away.
std::vector<std::size_t> shares_of(const std::vector<shard_entry>& shards);

/// What the prices of a shard are made from, by its name alone.
std::uint64_t rank_seed(std::string_view shard);

/// What a shard has to pay for a slot: -log2(h / 2^64) / weight, where h is a hash of both, with 52 bits after the
/// point. This is weighted rendezvous hashing: let each slot go to the shard to which it is cheapest, and each shard
/// gets a share that is proportional to its weight, and keeps it whichever others come and go.
std::int64_t slot_price(slot_number slot, std::uint64_t seed, std::uint32_t weight);

/// In a list of slots' holders: none yet.
inline constexpr std::uint16_t homeless = 0xffff;

/// Moves slots until each shard holds its target: the homeless ones, and from each shard that has too many just so
/// many. The pairs of slot and taker are served in the order of their price, less the price to the slot's holder: first
/// go the slots that by rendezvous alone would be the taker's. `slots` holds indices of `shards`; targets add up to its
/// size.
void assign(std::vector<std::uint16_t>& slots, const std::vector<shard_entry>& shards,
            const std::vector<std::size_t>& targets);

} // namespace starling
