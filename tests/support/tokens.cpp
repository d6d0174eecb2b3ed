#include "tests/support/tokens.hpp"

#include <chrono>

#include <nlohmann/json.hpp>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "tests/support/child_process.hpp"

namespace starling::test {

namespace {

/// RFC 4648, 5, without padding.
std::string base64url(const std::string& bytes) {
  static constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string result;
  unsigned buffer = 0;
  int bits = 0;
  for (const char c : bytes) {
    buffer = (buffer << 8) | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 6; bits -= 6)
      result += letters[(buffer >> (bits - 6)) & 63];
  }
  if (bits > 0) result += letters[(buffer << (6 - bits)) & 63];
  return result;
}

} // namespace

std::string make_token(const nlohmann::json& header, const nlohmann::json& claims, const std::string& secret) {
  const auto content = base64url(header.dump()) + "." + base64url(claims.dump());
  if (secret.empty()) return content + ".";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest, &size);
  return content + "." + base64url({reinterpret_cast<const char*>(digest), size});
}

std::string starling_token(const std::string& user, const std::string& ttl, const std::string& key_file,
                           const std::string& algorithm) {
  auto printed = run_or_throw(
      {STARLING_EXECUTABLE, "token", "--user", user, "--ttl", ttl, "--key-file", key_file, "--algorithm", algorithm});
  while (!printed.empty() && printed.back() == '\n')
    printed.pop_back();
  return printed;
}

long long unix_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

} // namespace starling::test
