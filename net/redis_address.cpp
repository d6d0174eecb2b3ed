#include "net/redis_address.hpp"

#include <charconv>

#include <sys/un.h>

namespace starling::net {

namespace {

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool read_port(std::string_view text, std::uint16_t& port) {
  const auto* end = text.data() + text.size();
  auto [rest, ec] = std::from_chars(text.data(), end, port);
  return ec == std::errc{} && rest == end && port != 0;
}

} // namespace

std::optional<redis_address> parse_redis_address(std::string_view text) {
  redis_address result;
  if (take_prefix(text, "unix://")) {
    if (!text.starts_with('/') || text.size() >= sizeof(sockaddr_un::sun_path)) return {};
    result.path = text;
    return result;
  }
  if (!take_prefix(text, "redis://") || text.find_first_of("@/ ") != std::string_view::npos) return {};
  if (take_prefix(text, "[")) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return {};
    result.host = text.substr(0, close);
    text.remove_prefix(close + 1);
  } else {
    result.host = text.substr(0, text.find(':'));
    text.remove_prefix(result.host.size());
  }
  if (result.host.empty()) return {};
  if (text.empty()) return result;
  if (!take_prefix(text, ":") || !read_port(text, result.port)) return {};
  return result;
}

} // namespace starling::net
