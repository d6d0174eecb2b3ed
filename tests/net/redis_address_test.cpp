#include <catch2/catch.hpp>

#include "net/redis_address.hpp"

using starling::net::parse_redis_address;

TEST_CASE("addresses of Redis are read", "[redis_address]") {
  auto tcp = parse_redis_address("redis://cache.example:7001");
  REQUIRE(tcp);
  CHECK(tcp->host == "cache.example");
  CHECK(tcp->port == 7001);
  CHECK(parse_redis_address("redis://10.0.0.1")->port == 6379);
  auto v6 = parse_redis_address("redis://[::1]:7001");
  REQUIRE(v6);
  CHECK(v6->host == "::1");
  CHECK(v6->port == 7001);
  auto local = parse_redis_address("unix:///run/redis.sock");
  REQUIRE(local);
  CHECK(local->host.empty());
  CHECK(local->path == "/run/redis.sock");
}

TEST_CASE("what is no address of Redis is refused", "[redis_address]") {
  for (auto* text : {"", "redis://", "redis://:1", "redis://h:", "redis://h:0", "redis://h:65536", "redis://h:1x",
                     "redis://h:1/0", "redis://user:pw@h:1", "redis://[::1", "redis://[::1]7", "unix://relative",
                     "unix://", "http://h:1", "h:1", "memory:"})
    CHECK_FALSE(parse_redis_address(text));
  CHECK_FALSE(parse_redis_address("unix:///" + std::string(200, 'x')));
}
