#include <catch2/catch.hpp>

#include "chat/slot_runs.hpp"
#include "cli/console/disagreements.hpp"
#include "cli/console/slot_diff.hpp"

using namespace starling;
using namespace starling::cli;
using nlohmann::json;

namespace {

json node_says(std::uint64_t epoch, const std::string& digest, std::uint64_t incarnation = 1) {
  return {{"epoch", epoch}, {"digest", digest}, {"version", "1"}, {"incarnation", incarnation}, {"state", "joined"}};
}

process_answer node(const std::string& name, json result, std::string error = {}) {
  return {{"node", name, 1, "h:1"}, std::move(result), std::move(error)};
}

process_answer master_of(const std::vector<std::string>& names) {
  json result{{"epoch", 4}, {"digest", "d"}, {"version", "1"}, {"nodes", json::array()}};
  for (auto& name : names)
    result["nodes"].push_back({{"name", name}, {"incarnation", 1}, {"standing", "alive"}, {"heard_ms", 10}});
  return {{"master", "master", 1, ""}, std::move(result), {}};
}

/// What is said, "name: sentence" each.
std::string said(const std::vector<process_answer>& answers) {
  std::string result;
  auto all = find_disagreements(answers);
  for (auto& each : all)
    result += each.process + ": " + each.what + "\n";
  return result;
}

json slots_answer(const slot_table& table) {
  json result{{"owners", encode_slot_runs(table)}, {"shards", json::array()}};
  for (auto& shard : table.shards())
    result["shards"].push_back({{"name", shard.name}});
  return result;
}

} // namespace

TEST_CASE("processes that agree are not marked", "[console]") {
  CHECK(said({master_of({"a", "b"}), node("a", node_says(4, "d")), node("b", node_says(4, "d"))}).empty());
  CHECK(said({}).empty());
  CHECK(said({node("a", nullptr, "timed out")}).empty()); // there is nobody to hold it against
}

TEST_CASE("what two processes say differently is told with both words", "[console]") {
  auto other_epoch = said({master_of({"a"}), node("a", node_says(3, "d"))});
  CHECK_THAT(other_epoch, Catch::Contains("a: applies the slot table of epoch 3, master that of epoch 4"));
  auto other_digest = said({master_of({"a"}), node("a", node_says(4, "e"))});
  CHECK_THAT(other_digest, Catch::Contains("digest e, not d"));
  auto other_incarnation = said({master_of({"a"}), node("a", node_says(4, "d", 2))});
  CHECK_THAT(other_incarnation, Catch::Contains("a: says that its incarnation is 2, the master 1"));
  auto newer = node_says(4, "d");
  newer["version"] = "2";
  CHECK_THAT(said({master_of({"a"}), node("a", newer)}), Catch::Contains("a: is version 2, master is 1"));
}

TEST_CASE("whom the master does not know, or nobody else reaches, is told", "[console]") {
  CHECK_THAT(said({master_of({"a"}), node("a", node_says(4, "d")), node("b", node_says(4, "d"))}),
             Catch::Contains("b: is not known to the master"));
  CHECK_THAT(said({master_of({"a"}), node("a", nullptr, "timed out")}),
             Catch::Contains("a: is known to the master, but does not answer: timed out"));
  auto master = master_of({"a"});
  master.result["nodes"][0]["standing"] = "suspected";
  CHECK_THAT(said({master, node("a", node_says(4, "d"))}), Catch::Contains("no heartbeat for 10 ms"));
}

TEST_CASE("without a master the node with the newest table is the standard", "[console]") {
  auto text = said({node("a", node_says(3, "c")), node("b", node_says(4, "d"))});
  CHECK_THAT(text, Catch::Contains("a: applies the slot table of epoch 3, b that of epoch 4"));
  CHECK(text.find("b: ") == std::string::npos);
}

TEST_CASE("two tables are compared by the names of their shards, range by range", "[console]") {
  auto before = make_slot_table({{"s1", "x", 1}, {"s2", "x", 1}});
  auto after = rebalance(before, {{"s0", "x", 1}, {"s1", "x", 1}, {"s2", "x", 1}});
  auto result = compare_slots(slots_answer(before), slots_answer(after));
  REQUIRE(std::holds_alternative<slot_diff>(result));
  auto& diff = std::get<slot_diff>(result);
  CHECK(diff.slots == moved_slots(before, after));
  std::size_t in_ranges = 0, in_moves = 0;
  for (auto& range : diff.ranges) {
    CHECK(range.to == "s0");
    in_ranges += range.last - range.first + 1;
  }
  for (auto& [way, count] : diff.moves)
    in_moves += count;
  CHECK(in_ranges == diff.slots);
  CHECK(in_moves == diff.slots);
  CHECK(std::get<slot_diff>(compare_slots(slots_answer(after), slots_answer(after))).slots == 0);
  CHECK(std::holds_alternative<std::string>(compare_slots(slots_answer(before), json::object())));
  auto broken = slots_answer(before);
  broken["owners"] = "0x5";
  CHECK(std::holds_alternative<std::string>(compare_slots(broken, slots_answer(after))));
}
