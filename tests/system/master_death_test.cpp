// The master is away: no message passes it, so nobody who chats should care.
#include <filesystem>
#include <thread>

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

TEST_CASE("a master that comes back with an old file, or with none, moves no slot and counts no epoch back",
          "[master_death]") {
  const bool with_old_file = GENERATE(true, false);
  CAPTURE(with_old_file);
  cluster c({.shards = 2});
  const auto file = c.directory() / "master.json";
  const auto old = c.master_state();
  redis_process third;
  c.master().kill9();
  // The operator adds a shard and says that what the moved slots hold may stay behind: the next epoch.
  auto settings = read_file(c.directory() / "master.toml");
  settings.replace(settings.find("[master]\n"), 9, "[master]\naccept_moved_slots = true\n");
  settings += "[[shard]]\nname = \"third\"\naddress = \"" + third.address() + "\"\n";
  write_file(c.directory() / "master.toml", settings);
  c.master().restart();
  auto table = [&] { return json::parse(c.master_state())["table"]; };
  CHECK(eventually([&] { return table()["epoch"] > json::parse(old)["table"]["epoch"]; }));
  const auto before = table();
  auto applied = [&](const std::string& node) {
    return c.log_of(node).find("router.table epoch=" + before["epoch"].dump()) != std::string::npos;
  };
  CHECK(eventually([&] { return applied("a") && applied("b"); }));

  c.master().kill9();
  if (with_old_file)
    write_file(file, old);
  else
    std::filesystem::remove(file);
  c.master().restart();
  CHECK(eventually([&] { return c.knows("a", "b") && c.knows("b", "a"); }, 10s));
  CHECK(eventually([&] { return std::filesystem::exists(file) && table()["epoch"] >= before["epoch"]; }));
  CHECK(table()["slots"] == before["slots"]);
}

TEST_CASE("a master that stands still for five seconds takes nobody for dead", "[master_death]") {
  cluster c;
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a")), bob(loop, c.as("bob", "b"));
  ann.opened();
  bob.opened();
  c.master().stop();
  // Longer than the silence after which it would.
  std::this_thread::sleep_for(5s);
  c.master().cont();
  CHECK(eventually([&] { return c.log_of("master").find("master.hears_nobody") != std::string::npos; }, 10s));
  // Who is silent while it runs is dead as ever, so that what follows is not for want of looking.
  c.node("b").kill9();
  CHECK(eventually([&] { return c.log_of("master").find("node.dead node=b") != std::string::npos; }, 15s));
  CHECK(c.log_of("master").find("node.dead node=a") == std::string::npos);
  CHECK(c.log_of("a").find("membership.declared_dead") == std::string::npos);
  CHECK(!ann.ended());
}
