#include "chat/slot.hpp"

#include <catch2/catch.hpp>

using starling::slot_of;

TEST_CASE("slots are Redis Cluster's", "[slot]") {
  // As CLUSTER KEYSLOT answers; tests/net/slot_golden_test.cpp asks a real server about many more.
  CHECK(slot_of("") == 0);
  CHECK(slot_of("foo") == 12182);
  CHECK(slot_of("bar") == 5061);
  CHECK(slot_of("123456789") == 12739);
}

TEST_CASE("keys with the same tag share a slot", "[slot]") {
  CHECK(slot_of("{user1000}.following") == slot_of("user1000"));
  CHECK(slot_of("{user1000}.followers") == slot_of("{user1000}.following"));
}

TEST_CASE("only the first tag counts, and only if it is closed and not empty", "[slot]") {
  CHECK(slot_of("foo{bar}{zap}") == slot_of("bar"));
  CHECK(slot_of("foo{{bar}}zap") == slot_of("{bar"));
  CHECK(slot_of("foo{}{bar}") == 8363); // the whole key
  CHECK(slot_of("foo{bar") != slot_of("bar"));
  CHECK(slot_of("}foo{bar}") == slot_of("bar"));
}
