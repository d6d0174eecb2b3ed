// A node is killed without warning.
#include <catch2/catch.hpp>

#include "tests/support/cluster.hpp"
#include "tests/support/crowd.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

TEST_CASE("when a node is killed its clients go on at another and miss nothing, and who was only there is offline",
          "[node_death]") {
  cluster c;
  client_loop loop;
  crowd people(loop, {c.port("a"), c.port("b")});
  INFO("seed " << people.seed());

  // Users who will not come back, and who watches them from the other node.
  std::vector<std::unique_ptr<chat_client>> ghosts;
  auto names = json::array();
  for (int i = 0; i < 5; ++i) {
    names.push_back("ghost-" + std::to_string(i));
    ghosts.push_back(std::make_unique<chat_client>(loop, c.as(names.back(), "a")));
    ghosts.back()->opened();
  }
  chat_client watcher(loop, c.as("watcher", "b"));
  watcher.opened();
  watcher.ask("presence.watch", {{"users", names}});
  for (const auto& name : names)
    CHECK(eventually([&] { return watcher.ask("presence.get", {{"users", {name}}})["users"][0]["online"] == true; }));

  people.talk(150ms);
  CHECK(people.wait_acknowledged(200, 30s));
  c.node("a").kill9();
  const auto killed = steady::now();
  for (const auto& name : names) {
    const auto change = watcher.expect("presence", {{"user", name}, {"online", false}}, 8s);
    CHECK(change.contains("last_seen"));
  }
  CHECK(steady::now() - killed < 5s);
  CHECK(people.wait_acknowledged(300, 30s));
  CHECK(people.reconnects() >= people.clients().size() / 2);
  CHECK(eventually([&] { return !c.knows("b", "a"); }, 5s));

  // The same name, a new incarnation: it is taken back and serves.
  c.node("a").restart();
  c.wait_ready("a");
  CHECK(eventually([&] { return c.knows("b", "a"); }, 2s));
  auto& back = people.add("back", {c.port("a")}, {people.rooms()[0]});
  back.talk(150ms);
  CHECK(eventually([&] { return back.acknowledged() > 5; }));

  CHECK(people.settle());
  const auto faults = people.faults(c.port("a"));
  INFO(describe(faults, people.seed()));
  CHECK(faults.empty()); // nothing acknowledged is missing, nothing repeated is doubled
  CHECK(people.complaints() == no_complaints);
}
