#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <variant>

#include "chat/requests.hpp"
#include "chat/settings.hpp"

/// JSON Web Tokens (RFC 7519): how clients prove who they are.
namespace starling::net {

/// Verifies tokens against one algorithm and one key. May be copied, and used by many threads at a time.
class token_verifier {
public:
  /// Takes `auth.algorithm` and the text of the key: the secret for HS256 (at least 32 bytes), else a public key in PEM
  /// (RSA of 2048 bits or more for RS256, P-256 for ES256). The error says what is wrong with the key.
  static std::variant<token_verifier, std::string> make(const auth_settings& settings, std::string key);

  /// Returns whom a token speaks of, or why it is refused, fit to be told to the client.
  ///
  /// Demands the algorithm that was configured, whatever the token says of itself (so neither "none" nor a public key
  /// used as a secret get through), `sub` (a user id) and `exp` (in the future); `name` may be there. `nbf` is obeyed;
  /// `iat` is passed on, and must not be in the future.
  std::variant<identity, std::string> verify(std::string_view token) const;

private:
  token_verifier(int algorithm, std::string key) : algorithm_(algorithm), key_(std::move(key)) {}

  int algorithm_; // a jwt_alg_t, whose header stays out of this one
  std::string key_;
};

/// A token, ready to be handed to a client.
struct signed_token {
  std::string text;
};

/// Makes a token for `who` that holds for `ttl` from now; `who.expires` is not looked at. `algorithm` is as in
/// `auth_settings`, the key the secret or the private key in PEM. Or returns what is wrong.
std::variant<signed_token, std::string> make_token(const identity& who, std::chrono::seconds ttl,
                                                   std::string_view algorithm, const std::string& key);

} // namespace starling::net
