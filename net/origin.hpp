#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace starling::net {

/// Is the page of this origin one that was asked of the same host? Both are headers as browsers write them.
bool is_own_page(std::string_view origin, std::string_view host);

/// May a client connect whose request has this `Origin` (empty: it has none, and is no browser)? `allowed` as
/// node.origins: empty, all may.
bool may_connect_from(std::string_view origin, std::string_view host, const std::vector<std::string>& allowed);

} // namespace starling::net
