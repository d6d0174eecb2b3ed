// What the console says of a cluster in which two hundred people talk: each command is right, and soon.
#include <catch2/catch.hpp>

#include "tests/support/console.hpp"
#include "tests/support/crowd.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t clients = 200;

json result_of(const json& answers, const std::string& process) { return entry_of(answers, process)["result"]; }

} // namespace

TEST_CASE("every command is right while two hundred people talk", "[console][console_load]") {
  cluster c;
  client_loop loop;
  crowd people(loop, {c.port("a"), c.port("b")}, {clients, 40, 2});
  INFO("seed " << people.seed());
  people.talk(300ms);
  CHECK(people.wait_acknowledged(300, 30s));

  auto nodes = console_answers(c, {"nodes"});
  REQUIRE(nodes.size() == 3);
  std::size_t sessions = 0;
  for (const std::string name : {"a", "b"}) {
    auto it = result_of(nodes, name);
    sessions += it["sessions"].get<std::size_t>();
    CHECK(it["state"] == "joined");
    CHECK(it["rooms"] > 0);
    CHECK(entry_of(nodes, name)["disagreements"].empty());
  }
  CHECK(sessions == clients);

  std::size_t matching = 0, busy = 0;
  auto actors = console_answers(c, {"actors", "--kind", "session", "--sort", "rate", "--limit", "10"});
  for (const std::string name : {"a", "b"}) {
    auto it = result_of(actors, name);
    matching += it["matching"].get<std::size_t>();
    CHECK(it["actors"].size() == 10);
    for (const auto& row : it["actors"])
      busy += row["rate"] > 0.5; // each says something three times a second
  }
  CHECK(matching == clients);
  CHECK(busy == 20);

  auto shards = console_answers(c, {"shards"});
  for (const std::string name : {"a", "b"})
    for (const auto& shard : json(result_of(shards, name)["shards"])) {
      INFO(shard);
      CHECK(shard["state"] == "up");
      CHECK(shard["window"]["calls_per_s"] > 10);
      CHECK(shard["window"]["publications_per_s"] > 10);
      CHECK(shard["window"]["p99_us"] > 0);
    }

  // One that has a member at "a", where the first client is.
  const auto room = people.clients()[0]->merged().after.begin()->first;
  auto where = console_answers(c, {"where", "room", room});
  auto held = "s" + std::to_string(c.shard_of(room));
  for (const std::string name : {"a", "b"}) {
    CHECK(result_of(where, name)["shard"] == held);
    CHECK(result_of(where, name)["log"]["seq"] > 0);
  }
  auto user = people.clients()[0]->user();
  CHECK(result_of(console_answers(c, {"where", "user", user}), "a")["here"] == 1);

  auto inspected = result_of(console_answers(c, {"inspect", "room:" + room}), "a")["actors"];
  REQUIRE(inspected.size() == 1);
  CHECK(inspected[0]["state"]["phase"] == "ready");
  CHECK(result_of(console_answers(c, {"mailbox", "room:" + room}), "a")["actors"].size() == 1);
  const auto stuck = result_of(console_answers(c, {"stuck", "--age", "5000", "--handler", "5000"}), "a");
  for (const auto& one : stuck["stuck"])
    CHECK(one["what"] == "request"); // on a busy machine an answer may have been late

  auto slots = console_answers(c, {"slots"});
  CHECK(result_of(slots, "a")["digest"] == result_of(slots, "b")["digest"]);

  auto traced = console(c, {"trace", "room", room, "--count", "1", "--seconds", "20"});
  CHECK(traced.status == 0);
  CHECK_THAT(traced.out, Catch::Contains("written"));

  CHECK(result_of(console_answers(c, {"events"}), "master")["events"].size() > 0);
  for (auto& drop : {"a", "b"}) {
    auto frames = result_of(console_answers(c, {"drops"}), drop)["frames"];
    INFO(frames);
    CHECK(std::abs(frames["difference"].get<double>()) < 0.02 * frames["accepted"].get<double>() + 50); // under way
  }

  CHECK(people.settle());
  for (const std::string name : {"a", "b"})
    CHECK(eventually([&] {
      auto frames = result_of(console_answers(c, {"drops"}), name)["frames"];
      return frames["difference"] == 0 && frames["waiting"] == 0;
    }));
  const auto faults = people.faults(c.port("a"));
  INFO(describe(faults, people.seed()));
  CHECK(faults.empty());
}
