#include "actors/proof.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "actors/log.hpp"

namespace starling {
namespace {

constexpr std::size_t nonce_bytes = 32;
constexpr std::size_t proof_bytes = 32;

/// Without randomness or SHA256 no process can be trusted, and there is nothing to wait for.
[[noreturn]] void die_of(const char* what) {
  log::error("cluster.crypto", "OpenSSL fails at {}", what);
  std::abort();
}

} // namespace

std::string make_nonce() {
  std::array<unsigned char, nonce_bytes> bytes{};
  if (RAND_bytes(bytes.data(), nonce_bytes) != 1) die_of("RAND_bytes");
  return {bytes.begin(), bytes.end()};
}

std::string make_proof(std::string_view token, const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) {
    for (int shift = 0; shift < 64; shift += 8)
      text.push_back(static_cast<char>((std::uint64_t{part.size()} >> shift) & 0xff));
    text.append(part);
  }
  std::array<unsigned char, proof_bytes> out{};
  std::size_t length = 0;
  if (!EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, token.data(), token.size(),
                 reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), out.size(), &length) ||
      length != out.size())
    die_of("HMAC");
  return {out.begin(), out.end()};
}

bool is_proof(std::string_view given, std::string_view token, const std::vector<std::string>& parts) {
  auto right = make_proof(token, parts);
  return given.size() == right.size() && CRYPTO_memcmp(given.data(), right.data(), right.size()) == 0;
}

} // namespace starling
