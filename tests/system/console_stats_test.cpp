// What the console tells of nodes, shards, frames and places, held against what clients did and what Redis has.
#include <algorithm>
#include <sstream>

#include <catch2/catch.hpp>

#include "tests/support/console.hpp"
#include "tests/support/http_request.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

json shard_in(const json& process, const std::string& name) {
  auto shards = process["result"]["shards"];
  for (auto& shard : shards)
    if (shard["name"] == name) return shard;
  return nullptr;
}

std::size_t widest_line(const std::string& text) {
  std::istringstream lines(text);
  std::size_t result = 0;
  for (std::string line; std::getline(lines, line);)
    result = std::max(result, line.size());
  return result;
}

/// Ann at node a and Bob at node b, in one room.
struct pair_of_clients {
  explicit pair_of_clients(const cluster& c) : ann(loop, c.as("ann", "a")), bob(loop, c.as("bob", "b")) {
    for (auto* one : {&ann, &bob}) {
      one->opened();
      one->ask("room.join", {{"room", "lobby"}});
    }
  }
  void talk(int messages) {
    json last;
    for (int i = 0; i < messages; ++i)
      last = ann.ask("message.send", {{"room", "lobby"}, {"text", "hello"}});
    bob.expect("message", {{"room", "lobby"}, {"seq", last["seq"]}});
  }

  client_loop loop;
  chat_client ann, bob;
};

} // namespace

TEST_CASE("nodes shows what each node is at, and that all agree", "[console_stats]") {
  cluster c;
  pair_of_clients people(c);
  auto all = console_answers(c, {"nodes"});
  REQUIRE(all.size() == 3);
  for (auto& process : all)
    CHECK(process["disagreements"].empty());
  for (auto* name : {"a", "b"}) {
    auto node = entry_of(all, name);
    auto it = node["result"];
    CHECK(it["state"] == "joined");
    CHECK(it["sessions"] == 1);
    CHECK(it["rooms"] == 1);
    CHECK(it["incarnation"] == node["incarnation"]);
    CHECK(it["url"] == c.url(name));
    CHECK(it["master_heard_ms"].get<double>() < 3'000);
    CHECK(it["loop_lag_max_ms"].get<double>() >= it["loop_lag_ms"].get<double>());
    CHECK(it["memory_bytes"] > 1'000'000);
  }
  json master;
  CHECK(eventually([&] { // a node tells the master of its table with its next heartbeat
    master = entry_of(console_answers(c, {"nodes"}), "master")["result"];
    return master["nodes"].size() == 2 && master["nodes"][0]["digest"] == master["digest"] &&
           master["nodes"][1]["digest"] == master["digest"];
  }));
  REQUIRE(master["nodes"].size() == 2);
  for (auto& node : master["nodes"]) {
    CHECK(node["standing"] == "alive");
    CHECK(node["heard_ms"] < 3'000);
    CHECK(node["digest"] == master["digest"]);
  }
  auto table = console(c, {"nodes"}).out;
  CHECK(widest_line(table) <= 120);
  CHECK_THAT(table, Catch::Contains("joined") && !Catch::Contains("!"));
  CHECK_THAT(console(c, {"nodes", "--all"}).out, Catch::Contains("incarnation") && Catch::Contains("inspect"));
}

TEST_CASE("nodes marks a node that slept over a new slot table, and says what is wrong", "[console_stats]") {
  cluster c({.dead_after = "60s"});
  c.master().kill9();
  c.node("b").stop();
  auto file = c.directory() / "master.toml";
  auto text = read_file(file);
  text.replace(text.find("weight = 1"), 10, "weight = 2");
  text.replace(text.find("[master]\n"), 9, "[master]\naccept_moved_slots = true\n");
  write_file(file, text);
  c.master().restart();
  // Not by the console: b would have every one of its connections to take when it wakes.
  auto applied = [&] { return json::parse(http_get(c.port("a"), "/readyz").body).value("epoch", 0) == 2; };
  REQUIRE(eventually(applied, 20s));
  CHECK_THAT(console(c, {"nodes"}).out, Catch::Contains("b !") && Catch::Contains("! b is in the master's state file"));

  // The nodes still have the table before this one.
  c.node("b").cont();
  auto both = [&] {
    auto all = console_answers(c, {"slots"});
    return entry_of(all, "b")["result"].is_object() &&
           entry_of(all, "a")["result"]["digest"] == entry_of(all, "b")["result"]["digest"];
  };
  REQUIRE(eventually(both, 20s));
  auto moved = console_answers(c, {"slots", "--diff", "1", "2"});
  std::size_t slots = 0;
  auto moves = moved["moves"];
  for (auto& move : moves) {
    CHECK(move["to"] == "s0"); // whose weight was raised
    slots += move["slots"].get<std::size_t>();
  }
  CHECK(slots == moved["slots"]);
  CHECK(slots > 2'000);
  CHECK(console_answers(c, {"slots", "--diff", "a", "b"})["slots"] == 0);
  CHECK(console(c, {"slots", "--diff", "1", "7"}).status == 1);
}

TEST_CASE("shards shows each node's link to each Redis, and what Redis says of itself", "[console_stats]") {
  cluster c;
  pair_of_clients people(c);
  people.talk(50);
  auto all = console_answers(c, {"shards", "--window", "0"});
  auto holder = "s" + std::to_string(c.shard_of("lobby"));
  for (auto* name : {"a", "b"}) {
    auto node = entry_of(all, name);
    std::size_t slots = 0;
    REQUIRE(node["result"]["shards"].size() == 3);
    for (auto& shard : node["result"]["shards"]) {
      INFO(shard);
      slots += shard["slots"].get<std::size_t>();
      CHECK(shard["slots"].get<double>() <= shard["fair"].get<double>() + 1);
      CHECK(shard["state"] == "up");
      CHECK(shard["redis"]["memory_bytes"] > 100'000);
      CHECK(shard["redis"]["clients"] >= 4); // two connections of each node
      CHECK(shard["p99_us"] >= shard["p50_us"]);
      CHECK(shard["p50_us"] > 0);
      CHECK(shard["refused"] == 0);
    }
    CHECK(slots == 16384);
    CHECK(shard_in(node, holder)["publications"] >= 50);
  }
  CHECK(shard_in(entry_of(all, "a"), holder)["calls"] >= 50);

  auto measured = console_answers(c, {"shards", "--window", "0.2"});
  CHECK(shard_in(entry_of(measured, "a"), holder)["window"]["seconds"] >= 0.2);
}

TEST_CASE("a Redis that is gone shows as down, with the reason", "[console_stats]") {
  cluster c;
  c.redis(1).kill9();
  auto down = [&] {
    return shard_in(entry_of(console_answers(c, {"shards", "--window", "0"}), "a"), "s1")["state"] == "down";
  };
  REQUIRE(eventually(down, 20s));
  auto all = console_answers(c, {"shards", "--window", "0"});
  CHECK_FALSE(shard_in(entry_of(all, "a"), "s1")["reason"].get<std::string>().empty());
  CHECK_FALSE(shard_in(entry_of(all, "a"), "s1")["redis"]["error"].get<std::string>().empty());
  CHECK(shard_in(entry_of(all, "a"), "s0")["state"] == "up");
  CHECK_THAT(console(c, {"shards", "--window", "0"}).out, Catch::Contains("down") && Catch::Contains("s1 at redis://"));
}

TEST_CASE("drops accounts for every frame to every client", "[console_stats]") {
  cluster c({.set = {"limits.requests_burst=100000"}});
  auto balanced = [&](const std::string& node) {
    auto it = entry_of(console_answers(c, {"drops"}), node)["result"]["frames"];
    return it["difference"] == 0 && it["waiting"] == 0;
  };
  {
    pair_of_clients people(c);
    people.talk(100);
    people.bob.drop();
    for (int i = 0; i < 20; ++i)
      people.ann.ask("message.send", {{"room", "lobby"}, {"text", "is anybody there"}});
    people.ann.close();
    CHECK(people.ann.wait_end());
  }
  CHECK(eventually([&] { return balanced("a") && balanced("b"); }, 20s));
  auto all = console_answers(c, {"drops"});
  CHECK(entry_of(all, "a")["result"]["frames"]["delivered"] >=
        240); // an answer and a message for each that ann has sent
  CHECK(entry_of(all, "b")["result"]["frames"]["accepted"] >= 100);
  CHECK_THAT(console(c, {"drops"}).out, Catch::Contains("accepted = delivered + waiting + dropped"));
}

TEST_CASE("where knows a room's log, members and readers, and where it would go", "[console_stats]") {
  cluster c;
  pair_of_clients people(c);
  people.talk(7);
  auto holder = "s" + std::to_string(c.shard_of("lobby"));
  auto all = console_answers(c, {"where", "room", "lobby"});
  for (auto* name : {"a", "b"}) {
    auto it = entry_of(all, name)["result"];
    INFO(it);
    CHECK(it["shard"] == holder);
    CHECK(it["log"]["seq"] == 7);
    CHECK(it["log"]["epoch"] > 0);
    CHECK(it["members"] == 2);
    CHECK(it["kind"] == "public");
    CHECK(it["here"] == 1);
    CHECK(it["subscribed"]["room:lobby"] == 2);
  }
  auto block = console(c, {"where", "room", "lobby"}).out;
  CHECK_THAT(block, Catch::Contains("holds it") && Catch::Contains("seq 7") && Catch::Contains("room actor"));
  CHECK(widest_line(block) <= 120);

  auto then = entry_of(console_answers(c, {"where", "room", "lobby", "--without", holder}), "a")["result"];
  CHECK(then["shard"] == holder);
  CHECK(then["would"]["shard"] != holder);
  CHECK(then["would"]["moved_slots"] > 5'000); // its own
  then = entry_of(console_answers(c, {"where", "room", "lobby", "--with", "s9=1000"}), "a")["result"];
  CHECK(then["would"]["ranking"].size() == 4);
  then = entry_of(console_answers(c, {"where", "room", "nobody-made-this"}), "a")["result"];
  CHECK_THAT(then["log"]["error"].get<std::string>(), Catch::Contains("no such room"));
  CHECK(console(c, {"where", "room", "lobby", "--without", "s7"}).status == 1);
  CHECK(console(c, {"where", "room", "lobby", "--with", "s7"}).status == 2);
  CHECK(console(c, {"where", "room", "lobby", "--epoch", "9"}).status == 1);
}

TEST_CASE("where knows a user's sessions, rooms and watchers", "[console_stats]") {
  cluster c;
  pair_of_clients people(c);
  people.bob.ask("presence.watch", {{"users", {"ann"}}});
  json it;
  auto known = [&] {
    it = entry_of(console_answers(c, {"where", "user", "ann"}), "a")["result"];
    return it["online_on"].size() == 1 && it["rooms"] == 1;
  };
  CHECK(eventually(known, 10s));
  INFO(it);
  CHECK_THAT(it["online_on"][0].get<std::string>(), Catch::StartsWith("a#"));
  CHECK(it["here"] == 1);
  CHECK(it["subscribed"]["user:ann"] == 1);
  CHECK(it["subscribed"]["presence:ann"] == 1);
  CHECK_THAT(console(c, {"where", "user", "ann"}).out, Catch::Contains("member of 1 rooms"));
}
