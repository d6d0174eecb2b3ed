#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace starling::net {

/// Where a Redis instance listens: a host and a port, or a unix socket.
struct redis_address {
  std::string host; // a name, an IPv4 or an IPv6 address (without brackets); empty: `path` counts
  std::uint16_t port = 6379;
  std::string path;
};

/// Reads `redis://host[:port]`, `redis://[v6]:port` or `unix:///path`; nothing if it is neither. User and password
/// have no place in an address: it is logged, and the master tells it to every node.
std::optional<redis_address> parse_redis_address(std::string_view text);

} // namespace starling::net
