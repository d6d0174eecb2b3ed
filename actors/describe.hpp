#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "chat/json_text.hpp"

/// What actors say of themselves to those who look into them (see `observed`): short, and without secrets.
namespace starling {

enum class shard_state_kind : std::uint8_t;
std::string_view name_of(shard_state_kind state);

constexpr std::size_t described_max = 20; // of a list; how many there are stands beside it

/// Adds `"name": [...]` with the first of them, each as JSON text by `write`, and `"name_count"`.
template <class Range, class Write>
void add_list(json_object& to, const std::string& name, const Range& all, Write write) {
  json_array list;
  std::size_t count = 0;
  for (auto& one : all) {
    if (count++ == described_max) break;
    list.add_json(write(one));
  }
  to.add_json(name, list.text()).add(name + "_count", static_cast<std::uint64_t>(all.size()));
}

} // namespace starling
