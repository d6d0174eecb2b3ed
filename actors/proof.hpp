#pragma once

#include <string>
#include <string_view>
#include <vector>

/// How processes of a cluster prove to each other that they know its token, without sending it.
namespace starling {

/// 32 random bytes, never used before: what the other side has to answer to.
std::string make_nonce();

/// HMAC-SHA256 under the token over the parts, each after its length, so that no other parts give the same.
std::string make_proof(std::string_view token, const std::vector<std::string>& parts);

/// Compares in a time that tells nothing of the right proof.
bool is_proof(std::string_view given, std::string_view token, const std::vector<std::string>& parts);

} // namespace starling
