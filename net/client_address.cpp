#include "net/client_address.hpp"

#include <algorithm>

#include "chat/address.hpp"

namespace starling::net {

namespace ip = boost::asio::ip;

namespace {

constexpr std::size_t network_bytes = 8; // of an IPv6 address: /64

std::string_view trimmed(std::string_view text) {
  auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Some proxies write a port behind the address, and IPv6 in brackets then.
std::optional<ip_address> parse(std::string_view text) {
  boost::system::error_code why;
  auto found = ip::make_address(std::string(text), why);
  if (why) found = ip::make_address(std::string(host_of(text)), why);
  if (why) return std::nullopt;
  return plain(found);
}

} // namespace

ip_address plain(const ip_address& from) {
  if (from.is_v4()) return from;
  if (from.to_v6().is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, from.to_v6());
  return ip::address_v6(from.to_v6().to_bytes());
}

ip_address counted_as(const ip_address& from) {
  auto who = plain(from);
  if (who.is_v4()) return who;
  auto bytes = who.to_v6().to_bytes();
  std::fill(bytes.begin() + network_bytes, bytes.end(), 0);
  return ip::address_v6(bytes);
}

proxy_list::proxy_list(const std::vector<std::string>& addresses) {
  for (const auto& each : addresses)
    if (auto found = parse(each)) all_.push_back(*found);
}

bool proxy_list::has(const ip_address& who) const { return std::find(all_.begin(), all_.end(), who) != all_.end(); }

std::optional<ip_address> client_behind(const ip_address& peer, std::string_view forwarded_for,
                                        const proxy_list& proxies) {
  auto who = plain(peer);
  auto rest = forwarded_for;
  while (proxies.has(who)) {
    auto comma = rest.rfind(',');
    auto before = parse(trimmed(comma == std::string_view::npos ? rest : rest.substr(comma + 1)));
    if (!before) return std::nullopt;
    who = *before;
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(0, comma);
  }
  return counted_as(who);
}

} // namespace starling::net
