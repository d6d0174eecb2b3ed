#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace starling {

/// Where a process listens: "127.0.0.1:8080", "[::1]:8080", "localhost:8080".
struct host_port {
  std::string host; // an IPv6 address without its brackets
  std::uint16_t port = 0;
};

std::optional<host_port> parse_host_port(std::string_view text);

/// Does this host reach nobody but the machine itself? Of names, only "localhost" is believed.
bool is_loopback(std::string_view host);

/// Of "[::1]:8080" or "example.org": the host without its port, and of IPv6 without the brackets.
std::string_view host_of(std::string_view authority);

/// What stands between "://" and the path of a URL; empty if it is none.
std::string_view authority_of(std::string_view url);

/// Is this an IPv4 or IPv6 address, without brackets or port?
bool is_ip_address(std::string_view text);

/// Is this the origin of a web page as a browser writes it: "https://chat.example.org", "http://[::1]:8080"?
bool is_origin(std::string_view text);

/// Does this host stand for every interface of the machine? Then it is no address that others could connect to.
bool is_any_address(std::string_view host);

/// May this be the name of a node, a shard or a cluster? [A-Za-z0-9._-]{1,64}
bool is_name(std::string_view text);

/// What is wrong with the address of a shard; empty if nothing is.
///
/// Good ones are `redis://host:port`, `unix:///path` and `memory:`. User and password do not belong in an address,
/// which ends up in logs, in the state file and on consoles; nodes have them in their own configuration.
std::string why_bad_shard_address(std::string_view text);

} // namespace starling
