#include "net/proof.hpp"

#include <algorithm>

#include "net/http.hpp"

namespace starling::net {

namespace {

/// RFC 9110, 11.1: the scheme's case does not matter. `lower` is in lower case.
bool starts_with_scheme(std::string_view text, std::string_view lower) {
  return text.size() > lower.size() && std::equal(lower.begin(), lower.end(), text.begin(), [](char a, char b) {
           return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b);
         });
}

} // namespace

std::optional<session_open> proof_in(std::string_view authorization, std::string_view target) {
  constexpr std::string_view scheme = "bearer ";
  if (starts_with_scheme(authorization, scheme)) {
    return session_open{std::string(authorization.substr(scheme.size())), {}};
  }
  if (auto token = query_member(target, "token")) return session_open{std::move(*token), {}};
  if (auto user = query_member(target, "user")) return session_open{{}, std::move(*user)};
  return std::nullopt;
}

} // namespace starling::net
