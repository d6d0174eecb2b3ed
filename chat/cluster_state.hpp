#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "chat/node_registry.hpp"
#include "chat/slot_table.hpp"

namespace starling {

/// What a master must not forget: the content of its state file.
struct cluster_state {
  std::string cluster; // whose state this is
  slot_table table;
  std::vector<node_entry> nodes;
  std::vector<dead_entry> dead; // the one that died first comes first

  bool operator==(const cluster_state&) const = default;

  /// Writes it as JSON.
  std::string encode() const;
  /// Reads what `encode` wrote. Returns the state, or what is wrong with the text. Never throws.
  static std::variant<cluster_state, std::string> decode(std::string_view json);
};

} // namespace starling
