#include "cli/bench/ledger.hpp"

#include <catch2/catch.hpp>

using namespace starling::cli;

TEST_CASE("only acknowledged messages that never came are lost", "[bench]") {
  acknowledged sent(5);
  for (std::uint64_t seq : {5u, 6u, 7u, 9u, 10u, 12u})
    REQUIRE(sent.add(seq)); // 8 and 11 were never acknowledged
  arrivals member;
  member.start(5);
  CHECK(member.lost(sent) == 6);
  CHECK(member.add(5) == arrival::next);
  CHECK(member.add(10) == arrival::next); // leaves 6 to 9
  CHECK(member.lost(sent) == 4);          // 6, 7, 9 and 12
  CHECK(member.add(7) == arrival::late);  // cuts the hole in two
  CHECK(member.add(7) == arrival::duplicate);
  CHECK(member.add(5) == arrival::duplicate);
  CHECK(member.lost(sent) == 3);
  CHECK(member.add(6) == arrival::late);
  CHECK(member.add(9) == arrival::late);
  CHECK(member.add(13) == arrival::next);
  CHECK(member.lost(sent) == 1); // 12; nobody knows of 8 and 11
}

TEST_CASE("a seq that cannot be is refused", "[bench]") {
  acknowledged sent(5);
  CHECK_FALSE(sent.add(4));
  CHECK_FALSE(sent.add(UINT64_MAX));
  CHECK(sent.count(0) == 0);
}
