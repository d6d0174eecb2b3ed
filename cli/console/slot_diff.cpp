#include "cli/console/slot_diff.hpp"

#include "chat/slot_runs.hpp"

namespace starling::cli {
namespace {

using names = std::vector<std::string>;

/// The name of each slot's shard.
std::variant<names, std::string> owners_of(const nlohmann::json& answer) {
  names shards;
  if (answer.is_object() && answer.contains("shards"))
    for (auto& shard : answer["shards"])
      shards.push_back(shard.value("name", ""));
  auto owners = decode_slot_runs(answer.is_object() ? answer.value("owners", "") : "", shards.size());
  if (auto* why = std::get_if<std::string>(&owners)) return std::move(*why);
  names result;
  for (auto owner : std::get<std::vector<std::uint16_t>>(owners))
    result.push_back(shards[owner]);
  return result;
}

} // namespace

std::variant<slot_diff, std::string> compare_slots(const nlohmann::json& a, const nlohmann::json& b) {
  auto before = owners_of(a), after = owners_of(b);
  for (auto* side : {&before, &after})
    if (auto* why = std::get_if<std::string>(side)) return std::move(*why);
  auto& from = std::get<names>(before);
  auto& to = std::get<names>(after);
  if (from.size() != to.size()) return "one of them has no slots";
  slot_diff result;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i] == to[i]) continue;
    ++result.slots;
    ++result.moves[{from[i], to[i]}];
    auto* last = result.ranges.empty() ? nullptr : &result.ranges.back();
    if (last && last->last + 1 == i && last->from == from[i] && last->to == to[i])
      last->last = i;
    else
      result.ranges.push_back({i, i, from[i], to[i]});
  }
  return result;
}

} // namespace starling::cli
