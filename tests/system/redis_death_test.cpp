// A Redis instance is killed, and comes back with what its append-only file holds.
#include <catch2/catch.hpp>

#include "tests/support/cluster.hpp"
#include "tests/support/crowd.hpp"
#include "tests/support/http_request.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

/// Sends to `room`; the verdict and how long it took.
std::pair<std::string, std::chrono::milliseconds> timed_send(chat_client& client, const std::string& room) {
  const auto begin = steady::now();
  const auto r = client.call("message.send", {{"room", room}, {"text", "still there?"}});
  return {verdict(r), std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - begin)};
}

} // namespace

TEST_CASE("when a shard is away its rooms answer 503 at once and others never notice, and back it is whole within 2 s",
          "[redis_death]") {
  cluster c;
  client_loop loop;
  crowd people(loop, {c.port("a"), c.port("b")});
  INFO("seed " << people.seed());
  chat_client sender(loop, c.as("sender", "a"));
  chat_client listener(loop, c.as("listener", "b"));
  sender.opened();
  listener.opened();
  const auto rooms = c.room_on_each_shard(sender, "probe-");
  for (const auto& room : rooms)
    listener.ask("room.join", {{"room", room}});
  people.talk(200ms);
  CHECK(people.wait_acknowledged(200, 30s));

  constexpr std::size_t victim = 1;
  c.redis(victim).kill9();

  // At once: the first may still be under way when the connection breaks, and is answered then, too.
  CHECK(eventually([&] { return timed_send(sender, rooms[victim]).first == "503, retry"; }, 2s));
  for (int i = 0; i < 10; ++i)
    for (std::size_t s = 0; s < rooms.size(); ++s) {
      const auto [answer, took] = timed_send(sender, rooms[s]);
      CHECK(answer == (s == victim ? "503, retry" : "ok"));
      CHECK(took < 500ms);
    }
  CHECK(verdict(sender.call("room.history", {{"room", rooms[victim]}})) == "503, retry");
  CHECK(verdict(sender.call("room.join", {{"room", rooms[victim]}})) == "503, retry");
  CHECK(!c.is_ready("a"));
  CHECK(eventually([&] { return people.unavailable() > 0; }));
  CHECK(!sender.ended());
  CHECK(!listener.ended());

  c.redis(victim).restart();
  const auto returned = steady::now();
  CHECK(eventually([&] { return timed_send(sender, rooms[victim]).first == "ok"; }, 2s));
  CHECK(steady::now() - returned < 2s);
  // Subscriptions are back: what is said on one node arrives on the other, also what was said before they were.
  const auto sent = sender.ask("message.send", {{"room", rooms[victim]}, {"text", "whole again"}});
  CHECK_NOTHROW(listener.expect("message", {{"room", rooms[victim]}, {"seq", sent["seq"]}}, 2s));
  CHECK(listener.count("room.gap") == 0);
  CHECK(eventually([&] { return c.is_ready("a") && c.is_ready("b"); }, 2s));

  CHECK(people.wait_acknowledged(200, 30s));
  CHECK(people.settle());
  CHECK(people.reconnects() == 0); // the clients' connections have nothing to do with a shard's
  const auto faults = people.faults(c.port("a"));
  INFO(describe(faults, people.seed()));
  CHECK(faults.empty());
  CHECK(people.complaints() == no_complaints);

  // The listener's own view of the probe rooms: no holes, the same order.
  for (const auto& room : rooms) {
    std::vector<json> came;
    for (const auto& f : listener.frames())
      if (f.content.value("method", "") == "message" && f.content["params"]["room"] == room)
        came.push_back(f.content["params"]["seq"]);
    REQUIRE(!came.empty());
    for (std::size_t i = 1; i < came.size(); ++i)
      CHECK(came[i] == came[i - 1].get<std::uint64_t>() + 1);
  }
}

TEST_CASE("a shard that hangs is given up after its time, and its rooms answer 503", "[redis_death]") {
  cluster c({.shards = 2, .nodes = {"a"}, .set = {"redis.answer=\"1s\""}});
  client_loop loop;
  chat_client ann(loop, c.as("ann"));
  ann.opened();
  const auto rooms = c.room_on_each_shard(ann, "probe-");
  c.redis(0).pause();
  const auto [first, took] = timed_send(ann, rooms[0]);
  CHECK(first == "503, retry");
  CHECK(took < 2500ms);
  CHECK(timed_send(ann, rooms[1]).first == "ok");
  c.redis(0).resume();
  CHECK(eventually([&] { return timed_send(ann, rooms[0]).first == "ok"; }, 5s));
}

TEST_CASE("a shard that is frozen for five seconds is noticed within two, and harms nobody else", "[redis_death]") {
  cluster c({.set = {"limits.requests_per_second=100000", "limits.requests_burst=100000"}});
  client_loop loop;
  crowd people(loop, {c.port("a"), c.port("b")}, {200, 40, 2});
  INFO("seed " << people.seed());
  chat_client ann(loop, c.as("ann", "a"));
  ann.opened();
  const auto rooms = c.room_on_each_shard(ann, "probe-");
  people.talk(500ms);
  CHECK(people.wait_acknowledged(200, 30s));

  constexpr std::size_t victim = 1;
  c.redis(victim).pause();
  const auto frozen = steady::now();
  CHECK(eventually([&] { return !c.is_ready("a") && !c.is_ready("b"); }, 4s));
  CHECK(steady::now() - frozen < 3s); // 1 s of silence, two pings; and some for a machine that is busy
  while (steady::now() - frozen < 5s)
    for (std::size_t s = 0; s < rooms.size(); ++s) {
      const auto [answer, took] = timed_send(ann, rooms[s]);
      CHECK(answer == (s == victim ? "503, retry" : "ok"));
      CHECK(took < 500ms);
    }
  // No thread of a node has waited for it.
  const auto metrics = http_get(c.port("a"), "/metrics").body;
  CHECK(metric(metrics, "starling_loop_lag_max_seconds") < 0.5);

  c.redis(victim).resume();
  CHECK(eventually([&] { return c.is_ready("a") && c.is_ready("b"); }, 5s));
  CHECK(people.wait_acknowledged(200, 30s));
  CHECK(people.settle(60s));
  CHECK(people.reconnects() == 0);
  const auto faults = people.faults(c.port("a"));
  INFO(describe(faults, people.seed()));
  CHECK(faults.empty());
  CHECK(people.complaints() == no_complaints);
}
