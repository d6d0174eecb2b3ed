#include "chat/slot_change.hpp"

#include <algorithm>

namespace starling {

std::variant<slot_table, std::string> changed_table(const slot_table& now, const shard_changes& what) {
  auto shards = now.shards();
  auto find = [&](const std::string& name) {
    return std::find_if(shards.begin(), shards.end(), [&](const shard_entry& shard) { return shard.name == name; });
  };
  for (auto& [name, weight] : what.weight) {
    auto known = find(name);
    if (known == shards.end()) return "there is no shard " + name;
    known->weight = weight;
  }
  for (auto& name : what.without) {
    auto known = find(name);
    if (known == shards.end()) return "there is no shard " + name;
    shards.erase(known);
  }
  for (auto& [name, weight] : what.with)
    shards.push_back({name, {}, weight});
  if (shards.empty()) return "no shard would be left";
  if (auto fault = find_fault(shards)) return std::move(*fault);
  return rebalance(now, std::move(shards));
}

} // namespace starling
