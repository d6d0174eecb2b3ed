#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace starling {

/// One of the parts that all keys fall into; which shard holds a slot stands in the `slot_table`.
using slot_number = std::uint16_t;

inline constexpr std::size_t slot_count = 16384;

/// Returns the slot of a key by Redis Cluster's rule, so that any Redis tool agrees: CRC16 (XMODEM) of what stands
/// between the first `{` and the first `}` after it, or of the whole key if either is missing or nothing stands between
/// them. Keys with one tag share a slot, and so may be used in one script.
slot_number slot_of(std::string_view key);

} // namespace starling
