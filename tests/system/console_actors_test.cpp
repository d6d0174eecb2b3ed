// What the console shows of single actors, on real processes: one that is slow, one that is well, and all in `top`.
#include <set>

#include <catch2/catch.hpp>

#include "tests/support/console.hpp"
#include "tests/support/terminal.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

/// Node "a" has a room that takes two seconds for each message, and messages on their way to it.
struct slow_scene {
  slow_scene() : c({.set = {"drill.slow_room=\"tar\"", "drill.slow_room_by=\"2s\""}}), ann(loop, c.as("ann", "a")) {
    ann.opened();
    ann.ask("room.join", {{"room", "tar"}});
    for (int i = 0; i < 5; ++i)
      ann.notify("message.send", {{"room", "tar"}, {"text", "hello"}});
  }
  cluster c;
  client_loop loop;
  chat_client ann;
};

/// What of this kind is stuck at a node. On a busy machine other actors may wait for a moment as well.
json stuck(const cluster& c, const std::string& node, const std::string& kind, std::vector<std::string> options = {}) {
  options.insert(options.begin(), "stuck");
  const auto answer = entry_of(console_answers(c, options), node);
  auto found = json::array();
  for (const auto& one : answer["result"]["stuck"])
    if (one["kind"] == kind) found.push_back(one);
  return found;
}

} // namespace

TEST_CASE("a room that is slow shows in stuck, in mailbox and in actors", "[console]") {
  slow_scene s;
  std::set<std::string> whats;
  std::string reasons;
  CHECK(eventually([&] {
    whats.clear();
    reasons.clear();
    for (const auto& one : stuck(s.c, "a", "room", {"--age", "500"})) {
      CHECK(one["name"] == "tar");
      whats.insert(one["what"].get<std::string>());
      reasons += one["reason"].get<std::string>();
    }
    return whats.contains("handler") && whats.contains("mailbox");
  }));
  CHECK_THAT(reasons, Catch::Contains("in handler room_post for"));

  auto peeked = entry_of(console_answers(s.c, {"mailbox", "room:tar"}), "a")["result"]["actors"];
  REQUIRE(peeked.size() == 1);
  CHECK_THAT(peeked[0].value("busy", ""), Catch::StartsWith("in handler room_post for"));
  CHECK(peeked[0]["waiting"] > 0);

  // Of an actor with few messages it is known how long it has been at the one before: at first that is not long.
  json oldest;
  CHECK(eventually([&] {
    oldest = entry_of(console_answers(s.c, {"actors", "--sort", "age", "--limit", "1"}), "a")["result"]["actors"];
    return oldest.size() == 1 && oldest[0]["name"] == "tar" && oldest[0]["oldest_ms"] > 200;
  }));
  CHECK(oldest[0]["handling"] == "room_post");
  CHECK(stuck(s.c, "b", "room").empty());
}

TEST_CASE("a shard without an answer is stuck, and since when", "[console]") {
  cluster c({.shards = 1, .nodes = {"a"}});
  CHECK(stuck(c, "a", "shard").empty());
  c.redis(0).kill9();
  json found;
  CHECK(eventually([&] {
    found = stuck(c, "a", "shard");
    return found.size() == 1 && found[0]["for_ms"] >= 500;
  }));
  CHECK(found[0]["what"] == "shard");
  CHECK(found[0]["for_ms"] < 60'000);
  CHECK_THAT(found[0].value("reason", ""), Catch::StartsWith("down"));
}

TEST_CASE("the console shows the state of an actor, its last messages and who began it", "[console]") {
  cluster c;
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a"));
  ann.opened();
  ann.ask("room.join", {{"room", "lobby"}});
  for (int i = 0; i < 40; ++i)
    ann.ask("message.send", {{"room", "lobby"}, {"text", "hello"}});
  auto rooms = entry_of(console_answers(c, {"inspect", "room:lobby"}), "a")["result"]["actors"];
  REQUIRE(rooms.size() == 1);
  auto room = rooms[0];
  CHECK(room["state"]["phase"] == "ready");
  CHECK(room["state"]["seq"] == 40);
  CHECK(room["state"]["seats"][0]["user"] == "ann");
  CHECK(room["mailbox"].empty());
  CHECK(room["recent"].size() == 16);
  CHECK_FALSE(room["durations"].empty());
  auto node = entry_of(console_answers(c, {"inspect", "node"}), "a")["result"]["actors"][0];
  CHECK(room["parent"] == node["id"]);
  CHECK(node["children_count"] >= 3); // router, presence, the room
  auto session = entry_of(console_answers(c, {"inspect", "session:ann"}), "a")["result"]["actors"][0];
  CHECK(session["state"]["rooms"][0] == json{{"room", "lobby"}, {"seated", true}, {"mark", 0}});
  CHECK(entry_of(console_answers(c, {"inspect", "session:ann"}), "b")["result"]["actors"].empty());

  // By its id, on its process alone; and for people.
  auto text = console(c, {"inspect", "a/" + room["id"].dump()}).out;
  CHECK_THAT(text, Catch::Contains("room lobby") && Catch::Contains("\"seq\": 40") && Catch::Contains("nothing waits"));
  auto none = console(c, {"inspect", "room:nowhere"});
  CHECK(none.status == 1);
  CHECK_THAT(none.out, Catch::Contains("no such actor"));
}

TEST_CASE("actors have rates, errors and the last error", "[console]") {
  cluster c({.shards = 1, .nodes = {"a"}});
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a"));
  ann.opened();
  ann.call("room.info", {{"room", "nowhere"}});
  auto worst =
      entry_of(console_answers(c, {"actors", "--kind", "session", "--sort", "errors"}), "a")["result"]["actors"][0];
  CHECK(worst["name"] == "ann");
  CHECK(worst["errors"] == 1);
  CHECK_FALSE(worst["last_error"].get<std::string>().empty());
  auto rates = entry_of(console_answers(c, {"actors", "--sort", "rate", "--limit", "3"}), "a")["result"];
  CHECK(rates["window_ms"] >= 400);
  CHECK(rates["actors"][0]["rate"] > 0);
}

TEST_CASE("top shows the slow room first, obeys keys, and gives the terminal back", "[console]") {
  slow_scene s;
  terminal t(console_command(s.c, {"top"}), 40, 140);
  CHECK(t.shows("starling top: by busy"));
  CHECK(t.shows("room_post for"));
  CHECK(t.shows("tar"));
  t.type("m");
  CHECK(t.shows("by mailbox"));
  t.type("k");
  CHECK(t.shows("sessions only"));
  t.type("q");
  CHECK(t.wait(5s) == 0);
  CHECK(t.shows("\x1b[?1049l"));
}

TEST_CASE("top is no command for a pipe", "[console]") {
  cluster c({.shards = 1, .nodes = {"a"}});
  auto result = console(c, {"top"});
  CHECK(result.status == 2);
  CHECK_THAT(result.err, Catch::Contains("wants a terminal"));
}
