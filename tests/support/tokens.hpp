#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace starling::test {

/// A JWT made by hand, so that it can be wrong in ways in which `starling token` would not make one: `header` and
/// `claims` as given, signed by HMAC-SHA256 with `secret`; not signed at all if that is empty.
std::string make_token(const nlohmann::json& header, const nlohmann::json& claims, const std::string& secret);

/// What `starling token` prints.
std::string starling_token(const std::string& user, const std::string& ttl, const std::string& key_file,
                           const std::string& algorithm = "HS256");

/// Seconds since 1970.
long long unix_now();

} // namespace starling::test
