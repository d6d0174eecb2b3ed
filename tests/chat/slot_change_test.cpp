#include "chat/slot_change.hpp"

#include <catch2/catch.hpp>

using namespace starling;

TEST_CASE("a change of shards gives the table that a master would make", "[slot_table]") {
  auto now = make_slot_table({{"s1", "x", 1}, {"s2", "y", 1}});
  auto changed = [&](shard_changes what) { return changed_table(now, what); };
  auto is = [](const std::variant<slot_table, std::string>& result, const slot_table& wanted) {
    auto* table = std::get_if<slot_table>(&result);
    return table && moved_slots(*table, wanted) == 0 && table->counts() == wanted.counts();
  };
  CHECK(is(changed({{"s2"}, {}, {}}), rebalance(now, {{"s1", "x", 1}})));
  CHECK(is(changed({{}, {{"s3", 2}}, {}}), rebalance(now, {{"s1", "x", 1}, {"s2", "y", 1}, {"s3", "z", 2}})));
  CHECK(is(changed({{}, {}, {{"s1", 3}}}), rebalance(now, {{"s1", "x", 3}, {"s2", "y", 1}})));
  CHECK(is(changed({}), now));
}

TEST_CASE("a change of shards that cannot be is refused in words", "[slot_table]") {
  auto now = make_slot_table({{"s1", "x", 1}});
  auto why = [&](shard_changes what) {
    auto result = changed_table(now, what);
    auto* text = std::get_if<std::string>(&result);
    return text ? *text : std::string();
  };
  CHECK(why({{"s2"}, {}, {}}) == "there is no shard s2");
  CHECK(why({{}, {}, {{"s2", 1}}}) == "there is no shard s2");
  CHECK(why({{"s1"}, {}, {}}) == "no shard would be left");
  CHECK_THAT(why({{}, {{"s1", 1}}, {}}), Catch::Contains("two shards are named s1"));
  CHECK_FALSE(why({{}, {{"s3", 1001}}, {}}).empty());
  CHECK_FALSE(why({{}, {{"s3", 0}}, {}}).empty());
}
