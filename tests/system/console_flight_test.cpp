// The flight recorder and events, on real processes that crash or are asked.
#include <signal.h>

#include <algorithm>
#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/support/console.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

/// Of a process, by its name; the oldest first.
std::vector<std::string> flights_of(const cluster& c, const std::string& process) {
  std::vector<std::string> result;
  for (auto& entry : std::filesystem::directory_iterator(c.directory().path()))
    if (entry.path().filename().string().starts_with("flight-" + process + "-")) result.push_back(entry.path());
  std::sort(result.begin(), result.end());
  return result;
}

bool is_whole(const std::string& file) { return read_file(file).ends_with("\nend\n"); }

} // namespace

TEST_CASE("a process that crashes leaves its last events, and dies of its signal", "[console][flight]") {
  cluster c({.shards = 1, .nodes = {"a"}});
  for (auto signal : {SIGSEGV, SIGABRT}) {
    auto before = flights_of(c, "node-a").size();
    c.node("a").signal(signal);
    CHECK(c.node("a").wait(15s) == 128 + signal);
    auto files = flights_of(c, "node-a");
    REQUIRE(files.size() == before + 1);
    auto text = read_file(files.back());
    CHECK_THAT(text, Catch::StartsWith("starling flight recorder 1\nat=") &&
                         Catch::Contains("signal=" + std::to_string(signal) + " process=node-a version=") &&
                         Catch::Contains(" info node.started name=a") && Catch::Contains("\nslow messages\n") &&
                         Catch::EndsWith("\nend\n"));
    CHECK(text.find("that only this cluster knows") == std::string::npos);
    c.node("a").restart();
    c.wait_ready("a");
  }
}

TEST_CASE("asked by SIGUSR1 a process writes what it remembers, and goes on", "[console][flight]") {
  cluster c({.shards = 1, .nodes = {"a"}});
  client_loop loop;
  chat_client ann(loop, c.as("ann"));
  ann.opened();
  std::vector<std::string> seen;
  for (int i = 0; i < 10; ++i) { // more than are kept
    auto newest = seen.empty() ? std::string() : seen.back();
    c.node("a").signal(SIGUSR1);
    REQUIRE(eventually([&] {
      seen = flights_of(c, "node-a");
      return !seen.empty() && seen.back() != newest && is_whole(seen.back());
    }));
  }
  CHECK(seen.size() == 8);
  CHECK_FALSE(ann.ended());
  CHECK(ann.call("ping").ok());
  c.master().signal(SIGUSR1);
  CHECK(eventually([&] {
    auto files = flights_of(c, "master");
    return files.size() == 1 && is_whole(files[0]);
  }));
  CHECK_THAT(console(c, {"flight"}).out, Catch::Contains("a writes its flight recorder to " + c.directory().path()));
}

TEST_CASE("without a place for its flight recorder a process warns, and serves", "[console][flight]") {
  cluster c({.shards = 1, .nodes = {"a"}, .set = {"log.flight_directory=\"/dev/null/nowhere\""}});
  CHECK_THAT(c.log_of("a"), Catch::Contains("warn  flight.not_kept directory=/dev/null/nowhere"));
  c.node("a").signal(SIGUSR1);
  CHECK(eventually([&] { return c.log_of("a").find("no flight recorder") != std::string::npos; }));
  CHECK(c.is_ready("a"));
}

TEST_CASE("events are found by their level, name and time", "[console][events]") {
  cluster c({.shards = 1, .nodes = {"a"}});
  auto events = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--json", "events"});
    auto result = json::array();
    auto answers = json::parse(console(c, arguments).out);
    for (auto& process : answers)
      for (auto& one : process["result"]["events"])
        result.push_back(one);
    return result;
  };
  auto shards = events({"--name", "shard.*"});
  REQUIRE(shards.size() == 1);
  CHECK(shards[0]["event"] == "shard.up");
  auto warnings = events({"--level", "warn"});
  REQUIRE_FALSE(warnings.empty()); // auth.open
  for (auto& one : warnings)
    CHECK((one["level"] == "warn" || one["level"] == "error"));
  CHECK_FALSE(events({"--since", "10m", "--name", "node.started"}).empty());
  CHECK(events({"--since", "2999-01-01T00:00:00Z"}).empty());
  CHECK(console(c, {"events", "--since", "yesterday"}).status == 2);
}

TEST_CASE("events are followed as they come, in one order, whoever goes", "[console][events]") {
  cluster c({.shards = 1});
  child_process follower({STARLING_EXECUTABLE, "console", "--config", c.directory() / "node.toml", "--json", "events",
                          "--follow", "--since", "1h"},
                         c.directory() / "follower.log");
  auto sees = [&](const std::string& text) {
    return eventually([&] { return c.log_of("follower").find(text) != std::string::npos; });
  };
  CHECK(sees("node.started"));
  c.node("b").kill9();
  CHECK(sees("b does not answer"));
  CHECK(sees("\"event\":\"node.dead\""));
  console(c, {"kick", "user", "ann", "--dry-run"});
  CHECK(sees("\"event\":\"console.audit\""));
  follower.signal(SIGINT);
  CHECK(follower.wait(10s) == 0);
}

TEST_CASE("check says what is wrong, and how bad it is", "[console][check]") {
  cluster c({.shards = 2});
  auto fine = console(c, {"--json", "check"});
  CHECK(fine.status == 0);
  CHECK(json::parse(fine.out)["status"] == "fine");
  CHECK(console(c, {"check", "--nosuch"}).status == 3);
  CHECK(console(c, {"--set", "cluster.heartbeat=never", "check"}).status == 3);

  c.redis(1).kill9();
  CHECK(eventually([&] { return console(c, {"check"}).status == 2; }));
  auto shard = console(c, {"check"});
  CHECK_THAT(shard.out, Catch::Contains("critical") && Catch::Contains("shard s1 is down") &&
                            Catch::Contains("events --name 'shard.*'"));
  c.redis(1).restart();
  CHECK(eventually([&] { return console(c, {"check"}).status < 2; }));

  c.node("b").stop();
  auto frozen = console(c, {"check"});
  c.node("b").cont();
  CHECK(frozen.status == 2);
  CHECK_THAT(frozen.out, Catch::Contains("does not answer"));

  auto nodes = json::parse(console(c, {"--json", "nodes"}).out);
  c.master().kill9();
  CHECK(console(c, {"check"}).status == 3);
  auto inspect = nodes[1]["inspect"].get<std::string>();
  auto by_node = [&] { return console(c, {"--node", inspect, "check"}); };
  CHECK(eventually([&] { return by_node().out.find("does not reach the master") != std::string::npos; }));
}
