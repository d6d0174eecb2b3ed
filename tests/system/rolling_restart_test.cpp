// Nodes leave in order, one after the other, while people talk.
#include <csignal>

#include <catch2/catch.hpp>

#include "tests/support/cluster.hpp"
#include "tests/support/crowd.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

TEST_CASE("all nodes are restarted one after the other under load, and nothing is lost", "[rolling_restart]") {
  cluster c({.nodes = {"a", "b", "c"}, .set = {"timings.drain=\"4s\""}});
  client_loop loop;
  crowd people(loop, {c.port("a"), c.port("b"), c.port("c")}, {200, 40, 2});
  INFO("seed " << people.seed());
  people.talk(500ms);
  CHECK(people.wait_acknowledged(200, 30s));
  for (const std::string node : {"a", "b", "c"}) {
    INFO("node " << node);
    const auto asked = steady::now();
    c.node(node).signal(SIGTERM);
    // Whoever comes meanwhile is not let in.
    CHECK(eventually([&] { return !c.is_ready(node); }, 5s));
    CHECK(c.node(node).wait(15s) == 0);
    CHECK(steady::now() - asked < 15s);
    CHECK_THAT(c.log_of(node), Catch::Contains("clients_left=0"));
    c.node(node).restart();
    c.wait_ready(node);
    CHECK(people.wait_acknowledged(200, 30s));
  }
  CHECK(people.reconnects() >= people.clients().size()); // each has been sent away at least once
  CHECK(people.settle(60s));
  const auto faults = people.faults(c.port("a"));
  INFO(describe(faults, people.seed()));
  CHECK(faults.empty());
  CHECK(people.complaints() == no_complaints);
}
