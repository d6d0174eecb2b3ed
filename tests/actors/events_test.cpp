#include "actors/events.hpp"

#include <catch2/catch.hpp>

using namespace starling;

TEST_CASE("the last events are kept, numbered without holes", "[events]") {
  event_ring ring;
  CHECK(ring.newest() == 0);
  CHECK(ring.after(0, 10).empty());
  const auto count = event_ring::events_max + 10;
  for (std::size_t i = 1; i <= count; ++i)
    ring.add("info", "test.event", std::to_string(i));
  CHECK(ring.newest() == count);
  auto first = ring.after(0, 3); // the ten oldest are gone
  REQUIRE(first.size() == 3);
  CHECK(first[0].number == 11);
  CHECK(first[0].details == "11");
  CHECK(first[2].number == 13);
  auto last = ring.after(count - 2, 10);
  REQUIRE(last.size() == 2);
  CHECK(last[1].number == count);
  CHECK(last[1].unix_ms > 1'700'000'000'000);
  CHECK(ring.after(count, 10).empty());
}

TEST_CASE("events are found by time, level and name, the last or from a number on", "[events]") {
  event_ring ring;
  ring.add("info", "shard.up", "1");
  ring.add("warn", "shard.down", "2");
  ring.add("error", "room.ended", "3");
  ring.add("info", "node.joined", "4");
  auto numbers = [&](const event_query& what) {
    std::vector<std::uint64_t> result;
    for (auto& one : ring.find(what).first)
      result.push_back(one.number);
    return result;
  };
  using list = std::vector<std::uint64_t>;
  CHECK(numbers({}) == list{1, 2, 3, 4});
  CHECK(numbers({.level = "warn"}) == list{2, 3});
  CHECK(numbers({.name = "shard.*"}) == list{1, 2});
  CHECK(numbers({.name = "shard.up"}) == list{1});
  CHECK(numbers({.name = "shard"}).empty());
  CHECK(numbers({.limit = 2}) == list{3, 4});
  CHECK(numbers({.limit = 2, .oldest_first = true}) == list{1, 2});
  CHECK(numbers({.after = 3, .oldest_first = true}) == list{4});
  CHECK(numbers({.since_ms = 9'000'000'000'000}).empty());
  CHECK(ring.find({.limit = 2, .oldest_first = true}).second == 2); // where to go on
  CHECK(ring.find({.after = 2, .level = "error", .oldest_first = true}).second == 4);
}
