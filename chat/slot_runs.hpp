#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "chat/slot_table.hpp"

namespace starling {

/// The holders of all slots as `slot_table::encode` writes them: "0x120,3,1x2".
std::string encode_slot_runs(const slot_table& table);
/// Reads that and believes none of it. Returns the index of each slot's shard, or what is wrong.
std::variant<std::vector<std::uint16_t>, std::string> decode_slot_runs(std::string_view text, std::size_t shards);

} // namespace starling
