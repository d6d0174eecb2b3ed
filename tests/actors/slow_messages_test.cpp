#include "actors/slow_messages.hpp"

#include <caf/message.hpp>
#include <catch2/catch.hpp>

#include "actors/cluster.hpp"
#include "actors/protocol.hpp"

using namespace starling;
using namespace std::chrono_literals;

TEST_CASE("of the messages that were slow the last are kept, and the slowest shown first", "[slow]") {
  slow_messages all;
  all.add("room", "quick", "send", slow_messages::slow / 2, 0ms);
  CHECK(all.slowest(10).empty());
  all.add("room", "a", "send", slow_messages::slow, 0ms); // waiting counts as much as handling
  all.add("room", "b", "send", 0ms, slow_messages::slow * 3);
  all.add("room", "c", "send", slow_messages::slow, slow_messages::slow);
  auto found = all.slowest(2);
  REQUIRE(found.size() == 2);
  CHECK(found[0].actor_name == "b");
  CHECK(found[1].actor_name == "c");
  CHECK(found[1].unix_ms > 1'700'000'000'000);
  for (std::size_t i = 0; i < slow_messages::messages_max; ++i)
    all.add("shard", std::to_string(i), "call", 0ms, slow_messages::slow);
  found = all.slowest(slow_messages::messages_max + 10);
  CHECK(found.size() == slow_messages::messages_max);
  CHECK(found[0].actor_kind == "shard"); // the rooms are forgotten
}

TEST_CASE("a slow message is named by its type", "[slow]") {
  auto message = caf::make_message(room_idle{}), other = caf::make_message(std::int32_t{1});
  CHECK(type_of(message.content()) == "room_idle");
  CHECK_THAT(type_of(other.content()), Catch::StartsWith("#"));
}
