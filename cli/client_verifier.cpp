#include "cli/client_verifier.hpp"

#include "chat/codec.hpp"
#include "net/token.hpp"

namespace starling::cli {

std::variant<verifier, std::string> make_verifier(const auth_settings& auth, std::string key) {
  if (auth.mode == "open")
    return verifier([](const session_open& what) -> std::variant<identity, std::string> {
      if (what.user.empty()) return "this cluster is open: name a user, not a token";
      if (!is_user_id(what.user)) return "not a user id ([A-Za-z0-9._-], 1 to 64)";
      return identity{what.user, {}, {}};
    });
  auto made = net::token_verifier::make(auth, std::move(key));
  if (auto* why = std::get_if<std::string>(&made)) return *why;
  return verifier(
      [tokens = std::get<net::token_verifier>(made)](const session_open& what) -> std::variant<identity, std::string> {
        if (what.token.empty()) return "a token is needed";
        return tokens.verify(what.token);
      });
}

} // namespace starling::cli
