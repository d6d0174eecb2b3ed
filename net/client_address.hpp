#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/ip/address.hpp>

/// Who a client is to the limits that hold for an address.
namespace starling::net {

using ip_address = boost::asio::ip::address;

/// The address as others write it: an IPv4 address that comes in the form of IPv6 is IPv4; no scope.
ip_address plain(const ip_address& from);

/// What the clients of this address are counted by: the address itself, or its /64 network in IPv6, since whoever has
/// one address of such a network has all of them.
ip_address counted_as(const ip_address& from);

/// The proxies that are believed when they say for whom they connect.
class proxy_list {
public:
  /// Each is an address, IPv4 or IPv6.
  explicit proxy_list(const std::vector<std::string>& addresses);
  bool has(const ip_address& who) const;

private:
  std::vector<ip_address> all_;
};

/// By what a request that came from `peer` counts. Nothing: by nothing, since a proxy sends it for nobody.
///
/// `forwarded_for` is the header X-Forwarded-For, all of it: several lines are joined by commas. It counts only from a
/// proxy, and of it only the end: each proxy appends from whom it has the request, and what stands before that may be
/// the client's invention. An end that is no address is nobody.
std::optional<ip_address> client_behind(const ip_address& peer, std::string_view forwarded_for,
                                        const proxy_list& proxies);

} // namespace starling::net
