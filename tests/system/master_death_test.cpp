// The master is away: no message passes it, so nobody who chats should care.
#include <catch2/catch.hpp>

#include "tests/support/cluster.hpp"
#include "tests/support/crowd.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

TEST_CASE("while the master is dead chat goes on, nodes may even restart, and when it is back no slot has moved",
          "[master_death]") {
  cluster c;
  client_loop loop;
  crowd people(loop, {c.port("a"), c.port("b")});
  INFO("seed " << people.seed());
  people.talk(200ms);
  CHECK(people.wait_acknowledged(100, 30s));
  const auto before = json::parse(c.master_state())["table"];

  c.master().kill9();
  const auto killed = steady::now();
  CHECK(people.wait_acknowledged(300, 30s));
  // Longer than any silence that is a death: nodes do not give up each other or their clients.
  CHECK(eventually([&] { return steady::now() - killed > 4s; }));
  CHECK(people.reconnects() == 0);
  CHECK(c.knows("a", "b"));
  // New rooms, and users who come, need no master.
  chat_client ann(loop, c.as("ann", "a"));
  chat_client bob(loop, c.as("bob", "b"));
  ann.opened();
  bob.opened();
  CHECK(verdict(ann.call("room.create", {{"room", "without-master"}})) == "ok");
  CHECK(verdict(bob.call("room.join", {{"room", "without-master"}})) == "ok");
  const auto sent = ann.ask("message.send", {{"room", "without-master"}, {"text", "who needs it"}});
  CHECK_NOTHROW(bob.expect("message", {{"room", "without-master"}, {"seq", sent["seq"]}}));

  // A node restarts with the table that it kept.
  c.node("b").kill9();
  c.node("b").restart();
  c.wait_ready("b");
  chat_client again(loop, c.as("bob", "b"));
  CHECK_NOTHROW(again.opened());
  CHECK(verdict(again.call("message.send", {{"room", "without-master"}, {"text", "back"}})) == "ok");
  CHECK(people.wait_acknowledged(100, 30s));

  c.master().restart();
  c.wait_ready("a");
  c.wait_ready("b");
  CHECK(eventually([&] { return c.knows("a", "b") && c.knows("b", "a"); }, 5s));
  CHECK(people.wait_acknowledged(100, 30s));
  const auto after = json::parse(c.master_state())["table"];
  CHECK(after["epoch"] == before["epoch"]);
  CHECK(after["digest"] == before["digest"]);
  CHECK(after["slots"] == before["slots"]);
  CHECK(people.settle());
  const auto faults = people.faults(c.port("a"));
  INFO(describe(faults, people.seed()));
  CHECK(faults.empty());
  CHECK(people.complaints() == no_complaints);
}
