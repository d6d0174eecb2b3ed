#include "net/token.hpp"

#include <atomic>
#include <cstdio>
#include <ctime>
#include <memory>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

using namespace starling;
using namespace std::chrono_literals;
using net::make_token;
using net::token_verifier;

namespace {

const std::string secret = "0123456789abcdef0123456789abcdef";

struct key_pair {
  std::string private_pem;
  std::string public_pem;
};

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

key_pair in_pem(EVP_PKEY* key) {
  REQUIRE(key != nullptr);
  BIO* secret_half = BIO_new(BIO_s_mem());
  BIO* public_half = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(secret_half, key, nullptr, nullptr, 0, nullptr, nullptr);
  PEM_write_bio_PUBKEY(public_half, key);
  EVP_PKEY_free(key);
  return {text_of(secret_half), text_of(public_half)};
}

const key_pair& rsa() {
  static const key_pair keys = in_pem(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048}));
  return keys;
}

const key_pair& ec() {
  static const key_pair keys = in_pem(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  return keys;
}

token_verifier verifier(const std::string& algorithm, const std::string& key) {
  auth_settings settings;
  settings.algorithm = algorithm;
  auto made = token_verifier::make(settings, key);
  if (const auto* why = std::get_if<std::string>(&made)) FAIL(*why);
  return std::get<token_verifier>(made);
}

std::string why_no_verifier(const std::string& algorithm, const std::string& key) {
  auth_settings settings;
  settings.algorithm = algorithm;
  const auto made = token_verifier::make(settings, key);
  return std::holds_alternative<std::string>(made) ? std::get<std::string>(made) : "no error";
}

std::string made(const identity& who, std::chrono::seconds ttl, const std::string& algorithm, const std::string& key) {
  const auto result = make_token(who, ttl, algorithm, key);
  if (const auto* why = std::get_if<std::string>(&result)) FAIL(*why);
  return std::get<net::signed_token>(result).text;
}

std::string why_refused(const std::variant<identity, std::string>& result) {
  return std::holds_alternative<std::string>(result) ? std::get<std::string>(result) : "accepted";
}

std::string base64url(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  while (out.ends_with('='))
    out.pop_back();
  for (char& c : out)
    c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

/// A token with any header and claims, with the signature that HS256 would make of `key`.
std::string forge(const std::string& header, const std::string& claims, const std::string& key) {
  const std::string text = base64url(header) + '.' + base64url(claims);
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), mac, &size);
  return text + '.' + base64url({reinterpret_cast<const char*>(mac), size});
}

const std::string hs256 = R"({"alg":"HS256","typ":"JWT"})";

/// Claims that are good but for what `more` replaces.
std::string claims(const std::string& more = {}) {
  return R"({"sub":"ann","exp":)" + std::to_string(std::time(nullptr) + 60) + more + '}';
}

std::string why_claims_refused(const std::string& text) {
  return why_refused(verifier("HS256", secret).verify(forge(hs256, text, secret)));
}

} // namespace

TEST_CASE("a token that was made is accepted, in each algorithm", "[token]") {
  const auto [algorithm, keys] =
      GENERATE(table<std::string, key_pair>({{"HS256", {secret, secret}}, {"RS256", rsa()}, {"ES256", ec()}}));
  const std::string token = made({"ann", "Ann \xc3\xa9", {}}, 1h, algorithm, keys.private_pem);
  const auto result = verifier(algorithm, keys.public_pem).verify(token);
  INFO(why_refused(result));
  REQUIRE(std::holds_alternative<identity>(result));
  const auto& who = std::get<identity>(result);
  CHECK(who.user == "ann");
  CHECK(who.name == "Ann \xc3\xa9");
  const auto left = who.expires.value() - std::chrono::system_clock::now();
  CHECK((left > 59min && left <= 1h));
}

TEST_CASE("a token whose signature is another's is refused", "[token]") {
  const std::string why = "not a token, or its signature is wrong";
  const std::string token = made({"ann", "", {}}, 1h, "HS256", secret);
  CHECK(why_refused(verifier("HS256", secret + "x").verify(token)) == why);
  // The claims of one token under the signature of another.
  const std::string other = made({"bob", "", {}}, 1h, "HS256", secret);
  CHECK(why_refused(
            verifier("HS256", secret).verify(token.substr(0, token.rfind('.')) + other.substr(other.rfind('.')))) ==
        why);
  const std::string strangers = in_pem(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")).private_pem;
  CHECK(why_refused(verifier("ES256", ec().public_pem).verify(made({"ann", "", {}}, 1h, "ES256", strangers))) == why);
}

TEST_CASE("a public key is no secret: a token of HS256 made with it is refused", "[token]") {
  for (const auto& [algorithm, keys] : {std::pair("RS256", rsa()), std::pair("ES256", ec())}) {
    const std::string token = forge(hs256, claims(), keys.public_pem);
    CHECK(why_refused(verifier(algorithm, keys.public_pem).verify(token)) ==
          "the token's algorithm is not the one in use");
  }
}

TEST_CASE("a token without signature is refused", "[token]") {
  for (const std::string algorithm : {"none", "None", "NONE", "nOnE", ""}) {
    const std::string header = base64url(R"({"alg":")" + algorithm + R"(","typ":"JWT"})");
    for (const std::string ending : {".", "", ".AAAA"}) {
      const std::string token = header + '.' + base64url(claims()) + ending;
      CHECK(why_refused(verifier("HS256", secret).verify(token)) != "accepted");
      CHECK(why_refused(verifier("RS256", rsa().public_pem).verify(token)) != "accepted");
    }
  }
}

TEST_CASE("a token of another algorithm of the same family is refused", "[token]") {
  CHECK(why_refused(verifier("HS256", secret).verify(forge(R"({"alg":"HS384","typ":"JWT"})", claims(), secret))) !=
        "accepted");
  CHECK(why_refused(verifier("HS256", secret).verify(made({"ann", "", {}}, 1h, "RS256", rsa().private_pem))) !=
        "accepted");
  CHECK(why_refused(verifier("RS256", rsa().public_pem).verify(made({"ann", "", {}}, 1h, "ES256", ec().private_pem))) !=
        "accepted");
}

TEST_CASE("a token must name a user and end in the future", "[token]") {
  CHECK(why_claims_refused(claims()) == "accepted");
  CHECK(why_claims_refused(R"({"exp":9999999999})") == "the claim sub must be a user id");
  for (const std::string sub : {R"("")", R"("a b")", R"("a\u0000b")", "7", "null", R"(["ann"])", R"("../ann")"}) {
    CHECK(why_claims_refused(R"({"exp":9999999999,"sub":)" + sub + '}') != "accepted");
  }
  CHECK(why_claims_refused(R"({"sub":"ann"})") == "the claim exp must be a whole number of seconds since 1970");
  CHECK(why_claims_refused(R"({"sub":"ann","exp":"9999999999"})") ==
        "the claim exp must be a whole number of seconds since 1970");
  for (const long exp : {-1L, 0L, 1L, static_cast<long>(std::time(nullptr))}) {
    CHECK(why_claims_refused(R"({"sub":"ann","exp":)" + std::to_string(exp) + '}') == "the token has expired");
  }
}

TEST_CASE("a token may hold nearly for ever", "[token]") {
  for (const std::string exp : {"253402300799", "9223372036854775807"}) {
    const auto result = verifier("HS256", secret).verify(forge(hs256, R"({"sub":"ann","exp":)" + exp + '}', secret));
    REQUIRE(std::holds_alternative<identity>(result));
    CHECK(std::get<identity>(result).expires > std::chrono::system_clock::now() + 24h * 365 * 50);
  }
}

TEST_CASE("a token that does not hold yet is refused", "[token]") {
  const auto not_before = [](long s) { return claims(R"(,"nbf":)" + std::to_string(std::time(nullptr) + s)); };
  CHECK(why_claims_refused(not_before(-60)) == "accepted");
  CHECK(why_claims_refused(not_before(60)) == "the token does not hold yet");
  CHECK(why_claims_refused(claims(R"(,"nbf":"soon")")) == "the token does not hold yet");
}

TEST_CASE("when a token was issued is told and cannot be later than now", "[token]") {
  const auto issued = [](const std::string& at) { return claims(R"(,"iat":)" + at); };
  const long now = std::time(nullptr);
  const auto who = verifier("HS256", secret).verify(forge(hs256, issued(std::to_string(now - 60)), secret));
  CHECK(std::get<identity>(who).issued_s == now - 60);
  CHECK_FALSE(std::get<identity>(verifier("HS256", secret).verify(forge(hs256, claims(), secret))).issued_s);
  CHECK(why_claims_refused(issued(std::to_string(now + 60))) == "the token is issued in the future");
  for (const auto& at : {"\"soon\"", "1.5", "true", "null"})
    CHECK(why_claims_refused(issued(at)) == "the claim iat must be a whole number of seconds since 1970");
}

TEST_CASE("the name in a token is short text", "[token]") {
  const auto named = [](const std::string& name) { return why_claims_refused(claims(R"(,"name":)" + name)); };
  CHECK(named('"' + std::string(256, 'x') + '"') == "accepted");
  CHECK(named('"' + std::string(257, 'x') + '"') == "the claim name must be text of at most 256 bytes");
  CHECK(named("7") == "the claim name must be text of at most 256 bytes");
}

TEST_CASE("a token that demands what is not known here is refused", "[token]") {
  CHECK(
      why_refused(
          verifier("HS256", secret).verify(forge(R"({"alg":"HS256","typ":"JWT","crit":["exp"]})", claims(), secret))) ==
      "the token demands extensions that are not known here");
}

TEST_CASE("what is no token is refused", "[token]") {
  const token_verifier v = verifier("HS256", secret);
  const std::string good = made({"ann", "", {}}, 1h, "HS256", secret);
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".."), std::string("..."), std::string("a.b.c"), good + '\0',
        "Bearer " + good, good.substr(0, good.size() - 5), std::string(100, '\0'), std::string("\xff\xfe"),
        base64url("[]") + '.' + base64url("[]") + '.'}) {
    CHECK(why_refused(v.verify(bad)) != "accepted");
  }
  for (std::size_t n = 0; n < good.size(); ++n)
    CHECK(why_refused(v.verify(good.substr(0, n))) != "accepted");
  CHECK(why_refused(v.verify(std::string(8193, 'a'))) == "the token is longer than 8 KiB");
}

TEST_CASE("a signature with anything in it that is no base64url is refused", "[token]") {
  const token_verifier v = verifier("ES256", ec().public_pem);
  const std::string good = made({"ann", "", {}}, 1h, "ES256", ec().private_pem);
  CHECK(why_refused(v.verify(good)) == "accepted");
  for (const char* more : {".", " ", "=", "+", "\xff\xff\xff\xff"})
    CHECK(why_refused(v.verify(std::string(good).insert(good.size() - 10, more))) == "not a token");
}

TEST_CASE("a key that does not fit the algorithm is refused at once", "[token]") {
  CHECK(why_no_verifier("HS256", "short").starts_with("the secret of HS256 must have at least 32 bytes"));
  CHECK(why_no_verifier("RS256", secret) == "expected a public key in PEM");
  CHECK(why_no_verifier("RS256", rsa().private_pem) == "expected a public key in PEM");
  CHECK(why_no_verifier("RS256", ec().public_pem) == "RS256 needs an RSA key of at least 2048 bits");
  CHECK(why_no_verifier("RS256", in_pem(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{1024})).public_pem) ==
        "RS256 needs an RSA key of at least 2048 bits");
  CHECK(why_no_verifier("ES256", rsa().public_pem) == "ES256 needs a key on the curve P-256");
  CHECK(why_no_verifier("ES256", in_pem(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-384")).public_pem) ==
        "ES256 needs a key on the curve P-256");
  CHECK(why_no_verifier("none", secret) == "the algorithm must be HS256, RS256 or ES256, not none");
}

TEST_CASE("a token that would be refused is not made", "[token]") {
  const auto why = [](const identity& who, std::chrono::seconds ttl, const std::string& algorithm,
                      const std::string& key) {
    const auto result = make_token(who, ttl, algorithm, key);
    return std::holds_alternative<std::string>(result) ? std::get<std::string>(result) : "made";
  };
  CHECK(why({"a b", "", {}}, 1h, "HS256", secret) == "the user must be 1 to 64 letters, digits, '.', '_' and '-'");
  CHECK(why({"ann", std::string(257, 'x'), {}}, 1h, "HS256", secret) == "the name must have at most 256 bytes");
  CHECK(why({"ann", "\xff", {}}, 1h, "HS256", secret) == "the name must be UTF-8");
  CHECK(why({"ann", "", {}}, 0s, "HS256", secret) != "made");
  CHECK(why({"ann", "", {}}, std::chrono::seconds::max(), "HS256", secret) != "made");
  CHECK(why({"ann", "", {}}, 1h, "HS256", "short") != "made");
  CHECK(why({"ann", "", {}}, 1h, "RS256", rsa().public_pem) == "expected a private key in PEM");
  CHECK(why({"ann", "", {}}, 1h, "none", secret) != "made");
}

TEST_CASE("many threads may verify at a time", "[token]") {
  const token_verifier v = verifier("ES256", ec().public_pem);
  const std::string good = made({"ann", "", {}}, 1h, "ES256", ec().private_pem);
  const std::string bad = good.substr(0, good.size() - 4) + "AAAA";
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i) {
          if (!std::holds_alternative<identity>(v.verify(good))) ++wrong;
          if (std::holds_alternative<identity>(v.verify(bad))) ++wrong;
        }
      });
    }
  }
  CHECK(wrong == 0);
}
