// `starling console trace`, on real processes: the way of a message across nodes, and that a trace always ends.
#include <signal.h>

#include <future>

#include <catch2/catch.hpp>

#include "tests/support/console.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

/// Ann on node a and Bob on node b, both in the lobby.
struct lobby {
  cluster c;
  client_loop loop;
  chat_client ann{loop, c.as("ann", "a")}, bob{loop, c.as("bob", "b")};

  lobby() {
    for (auto* who : {&ann, &bob}) {
      who->opened();
      who->ask("room.join", {{"room", "lobby"}});
    }
  }

  struct sent {
    steady::time_point at, received; // by Ann's client, by the last client
  };
  using sending = std::function<json(int)>; // the params of the n-th message

  /// Runs the console with `arguments`, and has Ann send until it has ended. Fills in `said`, by seq.
  run_result trace(std::vector<std::string> arguments, const sending& what) {
    auto ended = std::async(std::launch::async, [&] { return console(c, arguments); });
    for (int i = 0; ended.wait_for(0s) != std::future_status::ready; ++i) {
      auto begin = steady::now();
      auto seq = ann.ask("message.send", what(i))["seq"];
      for (auto* who : {&ann, &bob})
        who->expect("message", {{"room", "lobby"}, {"seq", seq}});
      said[seq] = {begin, std::max(arrival(ann, seq), arrival(bob, seq))};
      of_bob[seq] = arrival(bob, seq);
      for (auto* who : {&ann, &bob})
        who->forget();
    }
    return ended.get();
  }

  static steady::time_point arrival(const chat_client& who, const json& seq) {
    for (auto& frame : who.frames())
      if (contains(frame.content, {{"method", "message"}, {"params", {{"seq", seq}}}})) return frame.at;
    return {};
  }

  std::map<std::uint64_t, sent> said;
  std::map<std::uint64_t, steady::time_point> of_bob;
};

json plain(int number) { return {{"room", "lobby"}, {"text", std::to_string(number)}}; }

/// The only hop of that name on the node; fails the test if there is none, or more.
json only(const json& message, const std::string& node, const std::string& hop) {
  json found;
  std::size_t count = 0;
  for (auto& one : message["hops"]) {
    if (one["node"] != node || one["hop"] != hop) continue;
    found = one;
    ++count;
  }
  INFO(node << ": " << hop);
  REQUIRE(count == 1);
  return found;
}

double us(steady::duration time) { return std::chrono::duration<double, std::micro>(time).count(); }

void check_rising(const json& message) {
  double before = 0;
  for (auto& hop : message["hops"]) {
    INFO(message.dump(1));
    CHECK(hop["at_us"].get<double>() >= before);
    CHECK(hop["step_us"].get<double>() >= 0);
    before = hop["at_us"];
  }
}

} // namespace

TEST_CASE("a trace names every hop of a message across nodes once, in rising times", "[console][trace]") {
  lobby l;
  auto result = l.trace({"--json", "trace", "room", "lobby"}, plain);
  INFO(result.out << result.err);
  REQUIRE(result.status == 0);
  auto all = json::parse(result.out);
  REQUIRE(all.size() == 1);
  auto& message = all[0];
  CHECK(message["room"] == "lobby");
  CHECK(message["from"] == "ann");
  CHECK(message["complete"] == true);
  CHECK(message["clocks"].empty()); // one machine
  std::vector<std::string> way{"received", "session",      "room",           "router",  "script sent",
                               "answered", "acknowledged", "publication in", "encoded", "written"};
  for (auto& hop : way)
    only(message, "a", hop);
  for (auto* hop : {"publication in", "encoded", "written"})
    CHECK(only(message, "b", hop)["step_us"] > 0);
  CHECK(message["hops"].size() == way.size() + 3);
  check_rising(message);
  CHECK(message["hops"][0]["hop"] == "received");
  CHECK(message["hops"][0]["at_us"] == 0);
  for (std::size_t i = 1; i < 7; ++i)
    CHECK(only(message, "a", way[i])["at_us"] > only(message, "a", way[i - 1])["at_us"]);
  CHECK(only(message, "b", "written")["connections"] == 1);

  // What the clients have measured contains what the nodes have.
  auto seq = message["seq"].get<std::uint64_t>();
  REQUIRE(l.said.contains(seq));
  auto total = message["total_us"].get<double>();
  CHECK(total > 0);
  CHECK(total <= us(l.said[seq].received - l.said[seq].at));
  CHECK(only(message, "b", "written")["last_us"] <= us(l.of_bob[seq] - l.said[seq].at));
}

TEST_CASE("a trace follows as many messages of a user as it was told, and shows them to people", "[console][trace]") {
  lobby l;
  auto result = l.trace({"--json", "trace", "user", "ann", "--count", "3"}, plain);
  INFO(result.out << result.err);
  REQUIRE(result.status == 0);
  auto all = json::parse(result.out);
  REQUIRE(all.size() == 3);
  std::uint64_t before = 0;
  for (auto& message : all) {
    check_rising(message);
    CHECK(message["complete"] == true);
    CHECK(message["seq"] > before);
    before = message["seq"];
  }
  auto text = l.trace({"trace", "user", "ann"}, plain);
  CHECK(text.status == 0);
  CHECK_THAT(text.out, Catch::Contains("room lobby, epoch ") && Catch::Contains("publication in") &&
                           Catch::Contains("to 1 of 1 connection"));
  CHECK(text.out.find('\x1b') == std::string::npos); // no colours where nobody looks
}

TEST_CASE("a trace finds the message with a key among others", "[console][trace]") {
  lobby l;
  auto ended = std::async(std::launch::async, [&] { return console(l.c, {"--json", "trace", "message", "k1"}); });
  REQUIRE(eventually([&] { return l.c.log_of("a").find("trace.start") != std::string::npos; }));
  l.ann.ask("message.send", {{"room", "lobby"}, {"text", "before"}, {"key", "k0"}});
  auto seq = l.ann.ask("message.send", {{"room", "lobby"}, {"text", "it"}, {"key", "k1"}})["seq"];
  l.ann.ask("message.send", {{"room", "lobby"}, {"text", "after"}});
  auto result = ended.get();
  INFO(result.out << result.err);
  REQUIRE(result.status == 0);
  auto all = json::parse(result.out);
  REQUIRE(all.size() == 1);
  CHECK(all[0]["seq"] == seq);
  check_rising(all[0]);
  only(all[0], "b", "written");
}

TEST_CASE("a trace that sees nothing ends by itself and says so", "[console][trace]") {
  lobby l;
  auto begin = steady::now();
  auto result = console(l.c, {"--json", "trace", "room", "attic", "--seconds", "1"});
  CHECK(steady::now() - begin < 6s); // with the start of the process itself, under sanitizers
  CHECK(result.status == 1);
  CHECK(json::parse(result.out).empty());
  CHECK_THAT(result.err, Catch::Contains("nothing was seen: no message in room attic within 1 s"));
  CHECK(console(l.c, {"trace", "shard", "s1"}).status == 2);
  CHECK(console(l.c, {"trace", "room", "lobby", "--count", "0"}).status == 2);
}

TEST_CASE("the trace of a console that was killed is over at its deadline, and nobody else's until then",
          "[console][trace]") {
  lobby l;
  child_process killed(console_command(l.c, {"trace", "room", "attic", "--seconds", "3"}),
                       l.c.directory() / "killed.log");
  auto begun = [&] {
    return l.c.log_of("a").find("trace.begin") != std::string::npos &&
           l.c.log_of("b").find("trace.begin") != std::string::npos;
  };
  REQUIRE(eventually(begun));
  killed.signal(SIGKILL);
  REQUIRE(killed.wait(patience));
  auto refused = console(l.c, {"trace", "room", "lobby", "--seconds", "1"});
  CHECK(refused.status == 1);
  CHECK_THAT(refused.err, Catch::Contains("traces room attic here") && Catch::Contains("no node can trace"));
  run_result again;
  auto over = [&] {
    again = l.trace({"--json", "trace", "room", "lobby"}, plain);
    return again.status == 0;
  };
  CHECK(eventually(over));
  CHECK(json::parse(again.out).size() == 1);
}
