#pragma once

#include <string>
#include <vector>

#include "chat/settings.hpp"

namespace starling {

/// A value that is good by itself but not together with another.
struct contradiction {
  std::string key;      // "lease.ttl", or "shard[1].name" for the second [[shard]]
  std::string expected; // "at least twice lease.renew, which is 1s"
  std::string found;    // "1500ms"
};

/// What in these settings cannot be meant; empty if all is well.
std::vector<contradiction> contradictions(const node_settings& settings);
std::vector<contradiction> contradictions(const master_settings& settings);

} // namespace starling
