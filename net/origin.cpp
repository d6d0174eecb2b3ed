#include "net/origin.hpp"

#include <algorithm>

#include "chat/address.hpp"

namespace starling::net {

bool is_own_page(std::string_view origin, std::string_view host) {
  return !host.empty() && authority_of(origin) == host;
}

bool may_connect_from(std::string_view origin, std::string_view host, const std::vector<std::string>& allowed) {
  if (origin.empty() || allowed.empty() || is_own_page(origin, host)) return true;
  return std::find(allowed.begin(), allowed.end(), origin) != allowed.end();
}

} // namespace starling::net
