// The console as a web page and the hub behind both consoles, on real processes that are killed, frozen and restarted.
#include <cstdlib>

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include "cli/console/cluster.hpp"
#include "tests/support/cluster.hpp"
#include "tests/support/http_request.hpp"

using namespace starling::test;
using namespace std::chrono_literals;
namespace cli = starling::cli;

namespace {

/// The console of a test, which stays while processes come and go.
struct console {
  explicit console(const cluster& c) : all({"test", "a token that only this cluster knows", "test@here", false}) {
    auto config = read_file(c.directory() / "node.toml");
    auto begin = config.find("master = \"") + 10;
    where = *starling::parse_host_port(config.substr(begin, config.find('"', begin) - begin));
    auto why = all.join(where, true);
    INFO(why.value_or(""));
    REQUIRE_FALSE(why);
  }
  /// What stands for a process in the last answer: "up", an error, or "-".
  std::string of(const std::string& name) {
    auto begin = steady::now();
    auto answers = all.ask("process");
    longest = std::max<steady::duration>(longest, steady::now() - begin);
    for (auto& one : answers)
      if (one.from.name == name) return one.error.empty() ? "up" : one.error;
    return "-";
  }
  bool comes_to(const std::string& name, const std::string& state) {
    return eventually([&] { return of(name) == state; }, 20s);
  }

  cli::console_cluster all;
  starling::host_port where;
  steady::duration longest{};
};

} // namespace

TEST_CASE("a console that stays follows nodes that end, come and are started again", "[console][console_web]") {
  cluster c({.shards = 1});
  console all(c);
  CHECK(all.of("a") == "up");
  CHECK(all.of("b") == "up");
  c.node("b").kill9();
  CHECK(all.comes_to("b", "-")); // dead, and the master names it no more
  CHECK(all.of("a") == "up");
  c.start_node("b");
  c.start_node("third");
  CHECK(all.comes_to("b", "up"));
  CHECK(all.comes_to("third", "up"));

  auto only = all.all.ask("process", json::object(), "node", "b");
  REQUIRE(only.size() == 1);
  CHECK(only[0].from.name == "b");
}

TEST_CASE("a console that stays sees the nodes while the master is away, and the master when it is back",
          "[console][console_web]") {
  cluster c({.shards = 1});
  console all(c);
  c.master().kill9();
  CHECK(eventually([&] { return all.of("master") != "up"; }, 10s));
  CHECK(all.of("a") == "up");
  c.master().restart();
  CHECK(all.comes_to("master", "up"));
  CHECK(all.comes_to("b", "up"));
}

TEST_CASE("a node that freezes while a console looks holds up no answer, and is back when it goes on",
          "[console][console_web]") {
  cluster c({.shards = 1, .dead_after = "60s"});
  console all(c);
  REQUIRE(all.of("b") == "up");
  c.node("b").stop();
  CHECK(all.of("b") != "up");
  auto begin = steady::now();
  for (int i = 0; i < 10; ++i) {
    CHECK(all.of("b") != "up");
    CHECK(all.of("a") == "up");
  }
  CHECK(steady::now() - begin < 2s); // all of them: who is known to be silent is not waited for
  CHECK(all.longest < 1s);
  c.node("b").cont();
  CHECK(all.comes_to("b", "up"));
}

TEST_CASE("the console's page is there as inspect.web says", "[console][console_web]") {
  cluster c({.shards = 1,
             .nodes = {"a", "b", "c"},
             .set_for = {{"b", {"inspect.web=\"off\""}}, {"c", {"node.url=\"wss://chat.example/ws\""}}}});
  auto get = [&](const std::string& node, const std::string& headers) {
    return http_exchange(c.port(node), "GET /console HTTP/1.1\r\nConnection: close\r\n" + headers + "\r\n");
  };
  auto page = get("a", "Host: localhost\r\n");
  CHECK(page.status == 200);
  CHECK(page.body.find("console.js") != std::string::npos);
  CHECK(get("a", "Host: chat.example\r\n").status == 403);
  CHECK(get("a", "Host: localhost\r\nX-Forwarded-For: 10.0.0.1\r\n").status == 403);
  CHECK(get("b", "Host: localhost\r\n").status == 404);
  CHECK(get("c", "Host: localhost\r\n").status == 404); // a proxy may be before it
}

TEST_CASE("the console's page shows all processes in a browser, and goes on when one is killed",
          "[console][console_web][browser]") {
  if (run({"sh", "-c", "command -v chromium && command -v node"}).status != 0) {
    WARN("there is no chromium or no node here: not tested");
    return;
  }
  cluster c;
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a"));
  ann.opened();
  ann.ask("room.join", {{"room", "lobby"}});
  scratch_directory profile;
  const auto* shots = std::getenv("STARLING_TEST_SHOTS"); // a folder for pictures of the page
  child_process browser({"/usr/bin/env", "node", STARLING_SOURCE_DIR "/tests/system/console_page.mjs",
                         "http://127.0.0.1:" + std::to_string(c.port("a")) + "/console", profile.path(),
                         std::to_string(c.node("b").pid()), shots ? shots : ""},
                        profile / "browser.log");
  auto status = browser.wait(200ms);
  for (int i = 0; !status && i < 500; ++i) { // so that there is something to be seen
    ann.ask("message.send", {{"room", "lobby"}, {"text", "hello"}});
    status = browser.wait(200ms);
  }
  INFO(read_file(profile / "browser.log"));
  CHECK(status == 0);
  CHECK_THAT(c.log_of("b"), Catch::Contains("web@127.0.0.1"));
}
