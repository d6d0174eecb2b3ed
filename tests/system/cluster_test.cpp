// A cluster that is well: everything arrives, nodes come and go.
#include <signal.h>

#include <algorithm>
#include <optional>

#include <catch2/catch.hpp>

#include "tests/support/cluster.hpp"
#include "tests/support/crowd.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

TEST_CASE("200 clients in 50 rooms on two nodes and three shards all see the same, once and in order", "[cluster]") {
  cluster c;
  client_loop loop;
  crowd people(loop, {c.port("a"), c.port("b")}, {.clients = 200, .rooms = 50, .rooms_per_client = 2});
  INFO("seed " << people.seed());

  people.talk(400ms);
  CHECK(people.wait_acknowledged(1500, 60s));
  CHECK(people.settle());

  const auto faults = people.faults(c.port("b"));
  INFO(describe(faults, people.seed()));
  CHECK(faults.empty());
  CHECK(people.complaints() == no_complaints);
  CHECK(people.reconnects() == 0);
  // The rooms are spread: no shard is idle.
  std::vector<std::size_t> rooms_on(c.shards());
  for (const auto& room : people.rooms())
    ++rooms_on[c.shard_of(room)];
  CHECK(std::count(rooms_on.begin(), rooms_on.end(), 0U) == 0);
}

TEST_CASE("a third node that starts under load is found within a second and serves, and is forgotten when it stops",
          "[cluster]") {
  cluster c;
  client_loop loop;
  crowd people(loop, {c.port("a"), c.port("b")});
  INFO("seed " << people.seed());
  CHECK(c.knows("a", "a"));
  CHECK(c.knows("a", "b"));
  CHECK(c.knows("b", "a"));
  people.talk(200ms);

  c.start_node("c");
  c.wait_ready("c");
  CHECK(eventually([&] { return c.knows("a", "c") && c.knows("b", "c"); }, 1s));
  CHECK(c.knows("c", "a"));
  CHECK(c.knows("c", "b"));

  // It serves: newcomers at it talk with those at the others.
  for (int i = 0; i < 6; ++i)
    people
        .add("late-" + std::to_string(i), {c.port("c"), c.port("a"), c.port("b")},
             {people.rooms()[0], people.rooms()[1]})
        .talk(200ms);
  CHECK(people.wait_acknowledged(300, 30s));

  // It stops: its clients are told where to go, and go.
  chat_client guest(loop, c.as("guest", "c"));
  guest.opened();
  c.node("c").signal(SIGTERM);
  const auto goodbye = guest.expect("session.closing");
  CHECK(goodbye["reason"].is_string());
  CHECK(goodbye["reconnect_in_ms"].is_number_unsigned());
  CHECK(std::count(goodbye["nodes"].begin(), goodbye["nodes"].end(), c.url("a")) == 1);
  CHECK(std::count(goodbye["nodes"].begin(), goodbye["nodes"].end(), c.url("c")) == 0);
  CHECK(guest.wait_end().value().code == 1001);
  CHECK(c.node("c").wait(15s) == 0);
  CHECK(eventually([&] { return !c.knows("a", "c") && !c.knows("b", "c"); }, 1s));

  CHECK(people.wait_acknowledged(200, 30s));
  CHECK(people.settle());
  CHECK(people.reconnects() >= 6);
  const auto faults = people.faults(c.port("a"));
  INFO(describe(faults, people.seed()));
  CHECK(faults.empty());
  CHECK(people.complaints() == no_complaints);
}

TEST_CASE("who connects to a node before it is ready is told to come back, and is served as soon as it is",
          "[cluster]") {
  cluster c({.shards = 2, .nodes = {"a"}});
  client_loop loop;
  c.start_node("b");
  // Several users, again and again, from before it listens until it serves all of them.
  std::vector<std::string> waiting = {"ann", "bob", "cid", "dan"};
  std::optional<steady::time_point> ready;
  CHECK(eventually([&] {
    if (!ready && c.is_ready("b")) ready = steady::now();
    std::erase_if(waiting, [&](const std::string& user) {
      chat_client client(loop, c.as(user, "b"));
      if (!client.connected()) return false;
      const auto answer = client.wait_for([](const json&) { return true; }, 2s);
      return answer && answer->value("method", "") == "session.opened";
    });
    return waiting.empty();
  }));
  CHECK((!ready || steady::now() - *ready < 3s));
}

TEST_CASE("a process without the cluster's token does not get into it", "[cluster]") {
  const scratch_directory secrets;
  write_file(secrets / "token", "a guess at the token of the cluster\n");
  cluster c(
      {.shards = 1, .nodes = {"a"}, .set_for = {{"stranger", {"cluster.token_file=\"" + (secrets / "token") + "\""}}}});
  c.start_node("stranger");
  // It is turned away, says why, and serves nobody.
  CHECK(eventually([&] { return c.log_of("stranger").find("membership.not_joined") != std::string::npos; }));
  CHECK(eventually([&] { return c.log_of("master").find("master.refused") != std::string::npos; }));
  CHECK(!c.is_ready("stranger"));
  CHECK(!c.knows("a", "stranger"));
  CHECK(c.is_ready("a"));
}
