// A node is stopped where it stands, and wakes again: its connections live on, its time does not.
#include <thread>

#include <catch2/catch.hpp>

#include "tests/support/cluster.hpp"
#include "tests/support/crowd.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

constexpr crowd_plan two_hundred{200, 40, 2};

} // namespace

TEST_CASE("a node that is frozen for ten seconds is taken for dead, and comes back as another", "[node_frozen]") {
  const bool without_master = GENERATE(false, true);
  CAPTURE(without_master);
  cluster c;
  client_loop loop;
  crowd people(loop, {c.port("a"), c.port("b")}, two_hundred);
  INFO("seed " << people.seed());
  chat_client ghost(loop, c.as("ghost", "a")), watcher(loop, c.as("watcher", "b"));
  ghost.opened();
  watcher.opened();
  watcher.ask("presence.watch", {{"users", {"ghost"}}});
  CHECK(eventually([&] { return watcher.ask("presence.get", {{"users", {"ghost"}}})["users"][0]["online"] == true; }));
  people.talk(500ms);
  CHECK(people.wait_acknowledged(200, 30s));

  if (without_master) c.master().kill9();
  c.node("a").stop();
  const auto frozen = steady::now();
  watcher.expect("presence", {{"user", "ghost"}, {"online", false}}, 8s);
  CHECK(steady::now() - frozen < 5s);
  if (!without_master) CHECK(eventually([&] { return !c.knows("b", "a"); }, 5s));
  std::this_thread::sleep_until(frozen + 10s); // so long it is frozen
  c.node("a").cont();

  if (without_master) {
    // Nobody can declare it dead: it has its leases again, and its users are there again.
    watcher.expect("presence", {{"user", "ghost"}, {"online", true}}, 8s);
    CHECK(!ghost.ended());
    c.master().restart();
  } else {
    // Whoever was there is told to go, and the node serves again, as another incarnation.
    CHECK(eventually([&] { return ghost.ended(); }));
    CHECK(eventually([&] { return c.log_of("a").find("node.incarnation") != std::string::npos; }));
  }
  c.wait_ready("a");
  CHECK(eventually([&] { return c.knows("b", "a"); }, 10s));
  auto& back = people.add("back", {c.port("a")}, {people.rooms()[0]});
  back.talk(200ms);
  CHECK(eventually([&] { return back.acknowledged() > 5; }));

  CHECK(people.settle(60s));
  const auto faults = people.faults(c.port("a"));
  INFO(describe(faults, people.seed()));
  CHECK(faults.empty());
  CHECK(people.complaints() == no_complaints);
}

TEST_CASE("a node that is frozen for two seconds is nobody's loss", "[node_frozen]") {
  cluster c;
  client_loop loop;
  crowd people(loop, {c.port("a"), c.port("b")}, two_hundred);
  INFO("seed " << people.seed());
  chat_client sleeper(loop, c.as("sleeper", "a")), watcher(loop, c.as("watcher", "b"));
  sleeper.opened();
  watcher.opened();
  watcher.ask("presence.watch", {{"users", {"sleeper"}}});
  CHECK(eventually([&] {
    return watcher.ask("presence.get", {{"users", {"sleeper"}}})["users"][0]["online"] == true;
  }));
  people.talk(500ms);
  CHECK(people.wait_acknowledged(200, 30s));

  c.node("a").stop();
  std::this_thread::sleep_for(2s); // so long it is frozen
  c.node("a").cont();

  CHECK(people.wait_acknowledged(400, 30s));
  CHECK(people.settle(60s));
  CHECK(people.reconnects() == 0);
  CHECK(!sleeper.ended());
  CHECK(watcher.count("presence") == 0);
  CHECK(c.log_of("master").find("node.dead") == std::string::npos);
  const auto faults = people.faults(c.port("a"));
  INFO(describe(faults, people.seed()));
  CHECK(faults.empty());
  CHECK(people.complaints() == no_complaints);
}
