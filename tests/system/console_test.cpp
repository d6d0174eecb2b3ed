// The console, on real processes: what it shows, and that nobody who is frozen or a stranger keeps it from that.
#include <catch2/catch.hpp>

#include "tests/support/console.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

TEST_CASE("the console shows all processes of a cluster, a line each", "[console]") {
  cluster c;
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a"));
  ann.opened();
  ann.ask("room.join", {{"room", "lobby"}});

  auto result = console(c, {"--json", "nodes"});
  CHECK(result.status == 0);
  auto all = json::parse(result.out);
  REQUIRE(all.size() == 3);
  CHECK(all[0]["role"] == "master");
  CHECK(entry_of(all, "a")["result"]["sessions"] == 1);
  CHECK(entry_of(all, "a")["result"]["rooms"] == 1);
  CHECK(entry_of(all, "b")["result"]["sessions"] == 0);
  for (auto* node : {"a", "b"}) {
    CHECK(entry_of(all, node)["result"]["epoch"] == 1);
    CHECK(entry_of(all, node)["result"]["ready"] == true);
    CHECK(entry_of(all, node)["result"]["memory_bytes"] > 1'000'000);
  }
  auto table = console(c, {"nodes"});
  CHECK_THAT(table.out, Catch::Contains("master") && Catch::Contains("sessions"));
  CHECK(table.out.find('\x1b') == std::string::npos); // no colours where nobody looks
}

TEST_CASE("the console lists actors of all nodes", "[console]") {
  cluster c;
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a"));
  chat_client bob(loop, c.as("bob", "b"));
  ann.opened();
  bob.opened();
  ann.ask("room.join", {{"room", "lobby"}});
  auto all = console_answers(c, {"actors", "--kind", "session"});
  CHECK(entry_of(all, "a")["result"]["actors"][0]["name"] == "ann");
  CHECK(entry_of(all, "b")["result"]["actors"][0]["name"] == "bob");
  CHECK(entry_of(all, "master")["error"].is_null());
  auto rooms = console_answers(c, {"actors", "--kind", "room", "--name", "lob*"});
  CHECK(entry_of(rooms, "a")["result"]["matching"] == 1);
  CHECK(entry_of(rooms, "b")["result"]["matching"] == 0);
  CHECK(console(c, {"actors", "--sort", "beauty"}).status == 2);
}

TEST_CASE("the console says where a room is and why, and how the slots are shared out", "[console]") {
  cluster c;
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a"));
  ann.opened();
  ann.ask("room.join", {{"room", "lobby"}});
  ann.ask("message.send", {{"room", "lobby"}, {"text", "hello"}});
  auto where = console_answers(c, {"where", "room", "lobby"});
  REQUIRE(where.size() == 2); // nodes only
  for (auto* node : {"a", "b"}) {
    auto it = entry_of(where, node)["result"];
    CHECK(it["shard"] == "s" + std::to_string(c.shard_of("lobby")));
    CHECK(it["here"] == (node == std::string("a") ? 1 : 0));
    CHECK(it["ranking"].size() == 3);
    CHECK(it["ranking"][0]["price"] <= it["ranking"][1]["price"]);
  }
  auto slots = console_answers(c, {"slots"});
  std::size_t sum = 0;
  auto by_a = entry_of(slots, "a");
  for (auto& shard : by_a["result"]["shards"])
    sum += shard["slots"].get<std::size_t>();
  CHECK(sum == 16384);
  CHECK(entry_of(slots, "a")["result"]["digest"] == entry_of(slots, "b")["result"]["digest"]);
  CHECK(console(c, {"where", "shard", "lobby"}).status == 2);
}

TEST_CASE("the console shows what has happened in all processes, in one order", "[console]") {
  cluster c;
  c.node("b").kill9();
  auto lost = [&] {
    auto all = console_answers(c, {"events"});
    auto master = entry_of(all, "master");
    for (auto& event : master["result"]["events"])
      if (event["event"] == "node.dead") return true;
    return false;
  };
  CHECK(eventually(lost, 20s));
  auto all = console_answers(c, {"events", "--after", "0", "--limit", "3"});
  auto events = entry_of(all, "master")["result"]["events"];
  REQUIRE(events.size() == 3);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(events[i]["number"] == i + 1);
  auto text = console(c, {"events"}).out;
  CHECK(text.find("node.joined") < text.find("node.dead"));
}

TEST_CASE("without a command the console is a shell", "[console]") {
  cluster c({.shards = 1, .nodes = {"a"}});
  std::vector<std::string> command{STARLING_EXECUTABLE, "console", "--config", c.directory() / "node.toml"};
  auto result = run(command, "nodes\n\n  nosuch --thing\nhelp\n--json where room lobby\n");
  CHECK(result.status == 0); // of the last command
  CHECK_THAT(result.out, Catch::Contains("sessions") && Catch::Contains("room:lobby") && Catch::Contains("--json"));
  CHECK_THAT(result.err, Catch::Contains("nosuch"));
  CHECK(run(command, "actors --sort beauty\n").status == 2);
  CHECK(run(command, "exit\nnodes\n").out.empty());
}

TEST_CASE("a frozen node is named, and the others are shown within a second", "[console]") {
  cluster c({.shards = 1, .dead_after = "60s"});
  c.node("b").stop();
  auto begin = steady::now();
  auto result = console(c, {"--json", "nodes"});
  CHECK(steady::now() - begin < 2s); // with the start of the process itself, under sanitizers
  c.node("b").cont();
  CHECK(result.status == 1);
  auto all = json::parse(result.out);
  CHECK(entry_of(all, "a")["result"]["ready"] == true);
  CHECK(entry_of(all, "b")["result"].is_null());
  CHECK_FALSE(entry_of(all, "b")["error"].get<std::string>().empty());
}

TEST_CASE("while the master is away the console goes by a node", "[console]") {
  cluster c({.shards = 1});
  auto all = console_answers(c, {"nodes"});
  c.master().kill9();
  auto without = console(c, {"nodes"});
  CHECK(without.status == 1);
  CHECK_THAT(without.err, Catch::Contains("the master at") && Catch::Contains("--node"));
  auto table = console(c, {"nodes"});
  auto inspect = entry_of(all, "a")["inspect"].get<std::string>();
  auto by_node = json::parse(console(c, {"--node", inspect, "--json", "nodes"}).out);
  CHECK(by_node.size() == 2);
  CHECK(entry_of(by_node, "b")["result"]["ready"] == true);
}

TEST_CASE("a console with another token sees nothing", "[console]") {
  cluster c({.shards = 1, .nodes = {"a"}});
  write_file(c.directory() / "other.token", "a token that nobody knows\n");
  auto result = console(c, {"--set", "cluster.token_file=\"" + c.directory() / "other.token" + "\"", "nodes"});
  CHECK(result.status == 1);
  CHECK(result.out.empty());
  CHECK_THAT(result.err, Catch::Contains("token"));
  CHECK_THAT(c.log_of("master"), Catch::Contains("console.refused"));
}
