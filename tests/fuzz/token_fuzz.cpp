#include <array>
#include <chrono>
#include <stdexcept>
#include <string>

#include <nlohmann/json.hpp>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "chat/codec.hpp"
#include "net/token.hpp"
#include "tests/fuzz/demand.hpp"

// What a client shows to prove who it is. The input is a token as it is; or, behind a '+', the header and the claims, a
// line each, which are then signed for HS256: what else a token of ours would have to say.

using namespace starling;
using namespace starling::fuzz;

namespace {

constexpr std::string_view secret = "a secret that no fuzzer may make use of, or it would sign";
// Of a pair whose other half was thrown away when the tokens in corpus/token had been signed.
constexpr std::string_view public_key = R"(-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEuj+cXaDeSiwiT0jFDzBvqIr72JaK
85/+UUlvHCdUUaO2+Ed4bGqTwDg7poM/hgS4D/7H5pfH0GJNsKpTzNjqJw==
-----END PUBLIC KEY-----
)";
// What those tokens say: header and claims of everything that was ever signed with that key.
constexpr std::string_view signed_by_us =
    "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9."
    "eyJleHAiOjI1MzQwMjMwMDc5OSwiaWF0IjoxNzk1MzY2NjIyLCJuYW1lIjoiQW5uIiwic3ViIjoiYW5uIn0";

net::token_verifier verifier(const char* algorithm, std::string_view key) {
  auth_settings settings;
  settings.algorithm = algorithm;
  auto made = net::token_verifier::make(settings, std::string(key));
  if (auto* why = std::get_if<std::string>(&made)) throw std::runtime_error(*why);
  return std::get<net::token_verifier>(std::move(made));
}

std::string base64url(std::string_view bytes) {
  std::string result(bytes.size() * 4 / 3 + 4, '\0');
  auto size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(result.data()),
                              reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  result.resize(static_cast<std::size_t>(size));
  result.resize(result.find_last_not_of('=') + 1);
  for (char& c : result)
    c = c == '+' ? '-' : c == '/' ? '_' : c;
  return result;
}

std::string signature_of(std::string_view content) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest.data(), &size);
  return base64url({reinterpret_cast<const char*>(digest.data()), size});
}

std::string sign(std::string_view header_and_claims) {
  auto header = take_line(header_and_claims);
  auto content = base64url(header) + '.' + base64url(header_and_claims);
  return content + '.' + signature_of(content);
}

std::string_view content_of(std::string_view token) { return token.substr(0, token.rfind('.')); }

void check(const identity& who) {
  demand(is_user_id(who.user), "a token speaks of a user");
  demand(who.name.size() <= 256, "a name has a limit");
  demand(who.expires && *who.expires > std::chrono::system_clock::now(), "no token that was taken has expired");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto by_secret = verifier("HS256", secret), by_key = verifier("ES256", public_key);
  auto text = text_of(data, size);
  const std::string token = text.starts_with('+') ? sign(text.substr(1)) : std::string(text);

  auto read = by_secret.verify(token);
  if (auto* who = std::get_if<identity>(&read)) {
    demand(token == std::string(content_of(token)) + '.' + signature_of(content_of(token)),
           "what was taken under HS256 was signed with the secret");
    check(*who);
  }
  read = by_key.verify(token);
  if (auto* who = std::get_if<identity>(&read)) {
    demand(content_of(token) == signed_by_us, "what was taken under ES256 was signed with the key");
    check(*who);
  }
  return 0;
}
