#include "chat/address.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <arpa/inet.h>

namespace starling {

namespace {

constexpr std::size_t name_bytes_max = 64;
constexpr std::size_t host_bytes_max = 253;        // RFC 1035
constexpr std::size_t socket_path_bytes_max = 107; // sun_path, without its NUL

bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_host(std::string_view text) {
  return !text.empty() && text.size() <= host_bytes_max &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_alphanumeric(c) || c == '.' || c == '-'; });
}

bool is_ipv6(std::string_view text) {
  return text.size() >= 2 && std::count(text.begin(), text.end(), ':') >= 2 &&
         text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

} // namespace

std::optional<host_port> parse_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (!is_ipv6(host)) return std::nullopt;
  } else if (!is_host(host)) {
    return std::nullopt;
  }
  const std::string_view port = text.substr(colon + 1);
  host_port result{std::string(host), 0};
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), result.port);
  if (error != std::errc{} || end != port.data() + port.size()) return std::nullopt;
  return result;
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  // A name may begin with "127." too ("127.example.org"), so the rest has to look like an address.
  return host.starts_with("127.") && std::count(host.begin(), host.end(), '.') == 3 &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.find(':'));
}

std::string_view authority_of(std::string_view url) {
  auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  auto rest = url.substr(scheme + 3);
  return rest.substr(0, rest.find('/'));
}

bool is_ip_address(std::string_view text) {
  const std::string terminated(text);
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1;
}

bool is_origin(std::string_view text) {
  const std::string_view authority = authority_of(text);
  const auto scheme = text.substr(0, text.find("://"));
  if ((scheme != "http" && scheme != "https") || scheme.size() + 3 + authority.size() != text.size()) return false;
  // As browsers write it, since it is compared as it stands.
  if (std::any_of(authority.begin(), authority.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) return false;
  return parse_host_port(authority) || parse_host_port(std::string(authority) + ":80");
}

bool is_any_address(std::string_view host) { return host == "0.0.0.0" || host == "::"; }

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= name_bytes_max && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
  });
}

std::string why_bad_shard_address(std::string_view text) {
  constexpr std::string_view redis = "redis://";
  constexpr std::string_view unix_socket = "unix://";
  if (text == "memory:") return {};
  if (text.starts_with(unix_socket)) {
    const std::string_view path = text.substr(unix_socket.size());
    if (path.size() < 2 || path.front() != '/')
      return "expected an absolute path after unix://, as in unix:///run/redis.sock";
    if (path.size() > socket_path_bytes_max)
      return "expected a path of at most 107 bytes, which is the system's limit for sockets";
    return {};
  }
  if (!text.starts_with(redis)) return "expected redis://host:port, unix:///path or memory:";
  const std::string_view rest = text.substr(redis.size());
  if (rest.find('@') != std::string_view::npos) {
    return "expected no user and no password in the address: name them by redis.user and redis.password_file in the "
           "nodes' configuration";
  }
  const auto where = parse_host_port(rest);
  if (!where || where->port == 0) return "expected redis://host:port, unix:///path or memory:";
  return {};
}

} // namespace starling
