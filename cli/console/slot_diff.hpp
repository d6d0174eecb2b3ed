#pragma once

#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

namespace starling::cli {

/// Where two slot tables differ.
struct slot_diff {
  struct range {
    std::size_t first = 0, last = 0; // slots, both included
    std::string from, to;            // shards
  };
  std::size_t slots = 0;
  std::vector<range> ranges;
  std::map<std::pair<std::string, std::string>, std::size_t> moves; // how many slots, from which shard to which
};

/// Of two answers to "slots"; or what is wrong with one.
std::variant<slot_diff, std::string> compare_slots(const nlohmann::json& a, const nlohmann::json& b);

} // namespace starling::cli
