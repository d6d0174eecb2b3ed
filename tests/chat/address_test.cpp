#include "chat/address.hpp"

#include <catch2/catch.hpp>

using namespace starling;

TEST_CASE("host:port is taken apart", "[address]") {
  const auto v4 = parse_host_port("127.0.0.1:8080");
  REQUIRE(v4);
  CHECK(v4->host == "127.0.0.1");
  CHECK(v4->port == 8080);
  const auto v6 = parse_host_port("[::1]:65535");
  REQUIRE(v6);
  CHECK(v6->host == "::1");
  CHECK(v6->port == 65535);
  CHECK(parse_host_port("chat.example.org:0"));
  for (const char* bad : {"", ":", "a", "a:", ":1", "a:-1", "a:+1", "a:1x", "a:65536", "::1:80", "[]:80", "[::1:80",
                          "[a]:80", "a/b:80", "a b:80", "a@b:80"}) {
    CHECK_FALSE(parse_host_port(bad));
  }
}

TEST_CASE("loopback is told from the rest", "[address]") {
  for (const char* host : {"127.0.0.1", "127.1.2.3", "localhost", "::1"})
    CHECK(is_loopback(host));
  for (const char* host :
       {"0.0.0.0", "::", "128.0.0.1", "127.example.a.org", "127.0.0.1.example.org", "localhost.org"}) {
    CHECK_FALSE(is_loopback(host));
  }
  CHECK(is_any_address("0.0.0.0"));
  CHECK(is_any_address("::"));
  CHECK_FALSE(is_any_address("127.0.0.1"));
}

TEST_CASE("a URL's host is what it says, without port, brackets and path", "[address]") {
  CHECK(host_of(authority_of("ws://127.0.0.1:8080/ws")) == "127.0.0.1");
  CHECK(host_of(authority_of("wss://[::1]:8080/ws")) == "::1");
  CHECK(host_of(authority_of("wss://chat.example")) == "chat.example");
  CHECK(authority_of("chat.example/ws").empty());
}
