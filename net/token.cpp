#include "net/token.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

#include <jwt.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "chat/codec.hpp"

namespace starling::net {

namespace {

using std::chrono::seconds;
using std::chrono::system_clock;

constexpr std::size_t token_bytes_max = 8 * 1024; // more fits no header of HTTP either
constexpr std::size_t name_bytes_max = 256;
constexpr std::size_t secret_bytes_min = 32; // RFC 7518, 3.2: as long as the hash
constexpr std::size_t key_bytes_max = 64 * 1024;
constexpr int rsa_bits_min = 2048;            // RFC 7518, 3.3
constexpr long skew_s = 5;                    // another machine's clock may be ahead by
constexpr long expires_max = 253'402'300'799; // the last second of the year 9999

struct jwt_deleter {
  void operator()(jwt_t* token) const { jwt_free(token); }
};
using jwt_ptr = std::unique_ptr<jwt_t, jwt_deleter>;

struct text_deleter {
  void operator()(char* text) const { std::free(text); }
};
using text_ptr = std::unique_ptr<char, text_deleter>;

struct bio_deleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct pkey_deleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using pkey_ptr = std::unique_ptr<EVP_PKEY, pkey_deleter>;

enum class key_part : bool { to_sign, to_verify };

std::optional<jwt_alg_t> algorithm_of(std::string_view name) {
  if (name == "HS256") return JWT_ALG_HS256;
  if (name == "RS256") return JWT_ALG_RS256;
  if (name == "ES256") return JWT_ALG_ES256;
  return std::nullopt;
}

pkey_ptr read_pem(const std::string& text, key_part part) {
  const std::unique_ptr<BIO, bio_deleter> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (!bio) return nullptr;
  // An encrypted key must not make OpenSSL ask the terminal for its password.
  const auto no_password = [](char*, int, int, void*) { return 0; };
  pkey_ptr key(part == key_part::to_sign ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr)
                                         : PEM_read_bio_PUBKEY(bio.get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  return key;
}

/// What is wrong with a key; empty if nothing is.
std::string why_bad_key(jwt_alg_t algorithm, const std::string& key, key_part part) {
  if (key.size() > key_bytes_max) return "the key is longer than 64KiB";
  if (algorithm == JWT_ALG_HS256) {
    if (key.size() >= secret_bytes_min) return {};
    return "the secret of HS256 must have at least 32 bytes (make one with: openssl rand -hex 32)";
  }
  const pkey_ptr read = read_pem(key, part);
  if (!read) return part == key_part::to_sign ? "expected a private key in PEM" : "expected a public key in PEM";
  if (algorithm == JWT_ALG_RS256) {
    if (EVP_PKEY_get_base_id(read.get()) == EVP_PKEY_RSA && EVP_PKEY_get_bits(read.get()) >= rsa_bits_min) return {};
    return "RS256 needs an RSA key of at least 2048 bits";
  }
  char curve[32] = {};
  std::size_t size = 0;
  if (EVP_PKEY_get_base_id(read.get()) == EVP_PKEY_EC &&
      EVP_PKEY_get_group_name(read.get(), curve, sizeof curve, &size) == 1 && std::string_view(curve) == "prime256v1") {
    return {};
  }
  return "ES256 needs a key on the curve P-256";
}

/// Is it header, claims and signature in the alphabet of base64url (RFC 7515, 7.1)? libjwt passes over whatever else
/// stands in a signature.
bool is_compact(std::string_view token) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  int dots = 0;
  for (const char c : token) {
    if (c == '.')
      ++dots;
    else if (!is_letter(c))
      return false;
  }
  return dots == 2;
}

/// Is a claim there, of whatever type?
bool has_claim(jwt_t* token, const char* name) { return text_ptr(jwt_get_grants_json(token, name)) != nullptr; }

/// Returns a claim that is a whole number, or nothing.
std::optional<long> number_claim(jwt_t* token, const char* name) {
  // As JSON, since `jwt_get_grant_int` takes everything that is no integer for 0.
  const text_ptr text(jwt_get_grants_json(token, name));
  if (!text) return std::nullopt;
  const char* end = text.get() + std::strlen(text.get());
  long value = 0;
  const auto [rest, error] = std::from_chars(text.get(), end, value);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return value;
}

/// Checks the claims of a token whose signature is good.
std::variant<identity, std::string> check_claims(jwt_t* token) {
  identity who;
  const char* user = jwt_get_grant(token, "sub");
  if (!user || !is_user_id(user)) return "the claim sub must be a user id";
  who.user = user;

  const auto expires = number_claim(token, "exp");
  if (!expires) return "the claim exp must be a whole number of seconds since 1970";
  const long now = system_clock::to_time_t(system_clock::now());
  if (*expires <= now) return "the token has expired";
  // Beyond what system_clock can hold, a token might as well be forever.
  const seconds until(
      std::min(*expires, std::min(expires_max, std::chrono::floor<seconds>(system_clock::duration::max()).count())));
  who.expires = system_clock::time_point(until);

  if (has_claim(token, "nbf")) {
    const auto not_before = number_claim(token, "nbf");
    if (!not_before || *not_before > now + skew_s) return "the token does not hold yet";
  }
  if (has_claim(token, "iat")) {
    who.issued_s = number_claim(token, "iat");
    if (!who.issued_s) return "the claim iat must be a whole number of seconds since 1970";
    // It would outlive that the user's tokens are revoked.
    if (*who.issued_s > now + skew_s) return "the token is issued in the future";
  }
  if (has_claim(token, "name")) {
    const char* name = jwt_get_grant(token, "name");
    if (!name || std::string_view(name).size() > name_bytes_max)
      return "the claim name must be text of at most 256 bytes";
    who.name = name;
  }
  return who;
}

} // namespace

std::variant<token_verifier, std::string> token_verifier::make(const auth_settings& settings, std::string key) {
  const auto algorithm = algorithm_of(settings.algorithm);
  if (!algorithm) return "the algorithm must be HS256, RS256 or ES256, not " + settings.algorithm;
  std::string why = why_bad_key(*algorithm, key, key_part::to_verify);
  if (!why.empty()) return why;
  return token_verifier(*algorithm, std::move(key));
}

std::variant<identity, std::string> token_verifier::verify(std::string_view token) const {
  if (token.size() > token_bytes_max) return "the token is longer than 8 KiB";
  if (!is_compact(token)) return "not a token";
  const std::string text(token);
  jwt_t* decoded = nullptr;
  // The key goes by the algorithm that the token names, so that has to be looked at afterwards, too: an HS256 token
  // "signed" with a public key verifies here.
  const int error = jwt_decode(&decoded, text.c_str(), reinterpret_cast<const unsigned char*>(key_.data()),
                               static_cast<int>(key_.size()));
  const jwt_ptr owned(decoded);
  ERR_clear_error();
  if (error != 0 || !decoded) return "not a token, or its signature is wrong";
  if (jwt_get_alg(decoded) != algorithm_) return "the token's algorithm is not the one in use";
  // What must be understood and is not (RFC 7515, 4.1.11): nothing of that kind is understood here.
  if (text_ptr(jwt_get_headers_json(decoded, "crit"))) return "the token demands extensions that are not known here";
  return check_claims(decoded);
}

std::variant<signed_token, std::string> make_token(const identity& who, seconds ttl, std::string_view algorithm,
                                                   const std::string& key) {
  const auto alg = algorithm_of(algorithm);
  if (!alg) return "the algorithm must be HS256, RS256 or ES256, not " + std::string(algorithm);
  std::string why = why_bad_key(*alg, key, key_part::to_sign);
  if (!why.empty()) return why;
  if (!is_user_id(who.user)) return "the user must be 1 to 64 letters, digits, '.', '_' and '-'";
  if (who.name.size() > name_bytes_max) return "the name must have at most 256 bytes";
  const long now = system_clock::to_time_t(system_clock::now());
  if (ttl <= seconds(0) || ttl.count() > expires_max - now)
    return "the token must hold for at least a second, and end before the year 10000";

  jwt_t* made = nullptr;
  if (jwt_new(&made) != 0) return "out of memory";
  const jwt_ptr owned(made);
  if (jwt_set_alg(made, *alg, reinterpret_cast<const unsigned char*>(key.data()), static_cast<int>(key.size())) != 0 ||
      jwt_add_grant(made, "sub", who.user.c_str()) != 0 || jwt_add_grant_int(made, "iat", now) != 0 ||
      jwt_add_grant_int(made, "exp", now + static_cast<long>(ttl.count())) != 0) {
    return "the token could not be made";
  }
  if (!who.name.empty() && jwt_add_grant(made, "name", who.name.c_str()) != 0) return "the name must be UTF-8";
  const text_ptr text(jwt_encode_str(made));
  ERR_clear_error();
  if (!text) return "the token could not be signed with this key";
  return signed_token{text.get()};
}

} // namespace starling::net
