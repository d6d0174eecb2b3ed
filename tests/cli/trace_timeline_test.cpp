#include "cli/console/trace_timeline.hpp"

#include <catch2/catch.hpp>

using namespace starling::cli;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

constexpr std::int64_t second = 1'000'000'000;

json hop(const char* name, std::int64_t at) { return {{"hop", name}, {"at", at}, {"detail", ""}}; }

json written(std::int64_t at, unsigned connections) {
  auto it = hop("written", at);
  it.update({{"connections", connections}, {"last", at + 500}});
  return it;
}

/// A node's answer to `trace_read`, given at `now` of its clock.
json noted(std::int64_t now, json hops, unsigned connections = 1) {
  json message{{"trace", 7},  {"room", "lobby"}, {"from", "ann"},
               {"epoch", 1},  {"seq", 5},        {"connections", connections},
               {"hops", hops}};
  return {{"on", true}, {"now", now}, {"passed_over", 0}, {"messages", json::array({message})}};
}

json sender() {
  return noted(100 * second,
               json::array({hop("received", 99 * second), hop("session", 99 * second + 1000),
                            hop("room", 99 * second + 3000), hop("script sent", 99 * second + 7000),
                            hop("answered", 99 * second + 20'000), hop("acknowledged", 99 * second + 21'000)}));
}

json receiver(std::int64_t ahead, unsigned connections = 1) {
  auto begin = 99 * second + ahead;
  return noted(100 * second + ahead, json::array({hop("publication in", begin + 15'000), hop("encoded", begin + 16'000),
                                                  written(begin + 30'000, connections)}));
}

const json& named(const json& message, const std::string& name) {
  for (auto& one : message["hops"])
    if (one["hop"] == name) return one;
  FAIL("no " << name);
  return message;
}

} // namespace

TEST_CASE("a timeline has all hops in rising times, with the steps from what caused them", "[trace]") {
  trace_timeline all;
  all.add("a", sender(), 100s - 1ms, 100s + 1ms);
  all.add("b", receiver(0), 100s - 1ms, 100s + 1ms);
  CHECK(all.complete() == 1);
  auto told = all.messages(10);
  REQUIRE(told.size() == 1);
  auto& message = told[0];
  CHECK(message["hops"].size() == 9);
  CHECK(message["clocks"].empty());
  CHECK(message["total_us"] == 30.5); // to the last write
  CHECK(named(message, "room")["step_us"] == 2.0);
  CHECK(named(message, "script sent")["step_us"] == 4.0); // no router there: from the room
  CHECK(named(message, "answered")["step_us"] == 13.0);
  CHECK(named(message, "publication in")["step_us"] == 8.0); // from the script
  CHECK(named(message, "publication in")["node"] == "b");
  CHECK(named(message, "written")["last_us"] == 30.5);
  CHECK(message["hops"][4]["hop"] == "publication in"); // before the answer
}

TEST_CASE("a clock that is certainly off is corrected, and one that may be right is not", "[trace]") {
  trace_timeline all;
  all.add("a", sender(), 100s - 1ms, 100s + 1ms);
  all.add("b", receiver(3 * second), 100s - 1ms, 100s + 1ms);
  auto told = all.messages(1)[0];
  REQUIRE(told["clocks"].size() == 1);
  CHECK(told["clocks"][0]["node"] == "b");
  CHECK(told["clocks"][0]["ahead_us"] == 3'000'000.0);
  CHECK(told["clocks"][0]["exact_to_us"] == 2'000.0);
  CHECK(named(told, "written")["at_us"] == 30.0);

  trace_timeline near;
  near.add("a", sender(), 100s - 1ms, 100s + 1ms);
  near.add("b", receiver(1'000'000), 100s - 1ms, 100s + 1ms);
  auto as_it_is = near.messages(1)[0];
  CHECK(as_it_is["clocks"].empty());
  CHECK(named(as_it_is, "written")["at_us"] == 1030.0);
}

TEST_CASE("nobody hears of a message before it was sent", "[trace]") {
  trace_timeline all;
  all.add("a", sender(), 100s - 1ms, 100s + 1ms);
  all.add("b", receiver(-1'000'000), 100s - 1ms, 100s + 1ms); // may be right, says the round trip
  auto told = all.messages(1)[0];
  CHECK(named(told, "publication in")["at_us"] == 7.0);
  CHECK(named(told, "publication in")["step_us"] == 0.0);
  CHECK(told["clocks"].size() == 1);
}

TEST_CASE("a message is complete when it is answered and all have it", "[trace]") {
  trace_timeline all;
  all.add("b", receiver(0, 1), 100s, 100s);
  CHECK(all.begun() == 0); // its sender's node has not answered
  CHECK(all.messages(1).empty());
  all.add("a", sender(), 100s, 100s);
  CHECK(all.begun() == 1);
  CHECK(all.complete() == 1);
  auto waiting = receiver(0, 1);
  waiting["messages"][0]["connections"] = 2;
  all.add("b", waiting, 100s, 100s);
  CHECK(all.complete() == 0);
  CHECK(all.messages(1)[0]["complete"] == false);
}
