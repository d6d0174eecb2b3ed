#pragma once

#include <string>
#include <vector>

namespace starling::net {

/// Whose pages may connect and which proxies are believed, as node.origins and node.proxies.
struct door_rules {
  std::vector<std::string> origins;
  std::vector<std::string> proxies;
};

} // namespace starling::net
