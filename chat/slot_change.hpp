#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "chat/slot_table.hpp"

namespace starling {

/// Other shards than a table has, by name.
struct shard_changes {
  std::vector<std::string> without;
  std::vector<std::pair<std::string, std::uint32_t>> with;   // new ones, by weight
  std::vector<std::pair<std::string, std::uint32_t>> weight; // of those that are there

  bool none() const { return without.empty() && with.empty() && weight.empty(); }
};

/// The table that a master would make of `now` for these shards, or why there can be none.
std::variant<slot_table, std::string> changed_table(const slot_table& now, const shard_changes& what);

} // namespace starling
