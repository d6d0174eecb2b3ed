// Publications are lost: Redis's bus is only a hint that a log grew.
#include <catch2/catch.hpp>

#include "tests/support/cluster.hpp"
#include "tests/support/crowd.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

/// Sends until it is acknowledged, as a client does; the result.
json insist(chat_client& client, const std::string& text) {
  static int number = 0;
  const json params = {{"room", "tea"}, {"text", text}, {"key", "k" + std::to_string(++number)}};
  reply r;
  if (!eventually([&] { return (r = client.call("message.send", params)).ok(); }))
    throw std::runtime_error("not sent: " + verdict(r));
  return std::move(r.result);
}

} // namespace

TEST_CASE("subscriptions that are cut under load are restored and what was missed is repaired unnoticed",
          "[pubsub_loss]") {
  cluster c;
  client_loop loop;
  crowd people(loop, {c.port("a"), c.port("b")});
  INFO("seed " << people.seed());
  people.talk(100ms);
  CHECK(people.wait_acknowledged(200, 30s));

  std::int64_t cut = 0;
  for (int round = 0; round < 6; ++round)
    for (std::size_t shard = 0; shard < c.shards(); ++shard) {
      cut += c.redis(shard).command({"CLIENT", "KILL", "TYPE", "pubsub"}).to_int();
      CHECK(people.wait_acknowledged(30, 30s));
    }
  CHECK(cut >= static_cast<std::int64_t>(c.shards() * 2)); // it did cut: each node's subscription, at least once

  CHECK(people.settle());
  const auto faults = people.faults(c.port("a"));
  INFO(describe(faults, people.seed()));
  CHECK(faults.empty());                       // also over each single connection: without a hole
  CHECK(people.complaints() == no_complaints); // no room.gap, no error
  CHECK(people.reconnects() == 0);
  CHECK(people.unavailable() == 0); // what carries requests has nothing to do with it
}

TEST_CASE("the last message before silence is found although its publication was lost", "[pubsub_loss]") {
  cluster c({.shards = 1, .set = {"timings.tail_check=\"1s\""}});
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a"));
  chat_client bob(loop, c.as("bob", "b"));
  ann.opened();
  bob.opened();
  ann.ask("room.join", {{"room", "tea"}});
  bob.ask("room.join", {{"room", "tea"}});
  // Cut and say at once: node b learns of it only from the log.
  for (int i = 0; i < 5; ++i) {
    c.redis(0).command({"CLIENT", "KILL", "TYPE", "pubsub"});
    const auto sent = insist(ann, "the last word");
    CHECK_NOTHROW(bob.expect("message", {{"seq", sent["seq"]}}, 5s));
  }
  CHECK(bob.count("message", {{"room", "tea"}}) == 5);
}

TEST_CASE("what was trimmed from the log before it could be repaired is told as room.gap in its place",
          "[pubsub_loss]") {
  cluster c({.shards = 1,
             .set = {"limits.log_messages=100", "limits.history_messages=100", "limits.requests_per_second=100000",
                     "limits.requests_burst=100000", "lease.ttl=\"60s\""},
             .dead_after = "60s"});
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a"));
  chat_client bob(loop, c.as("bob", "b"));
  ann.opened();
  bob.opened();
  ann.ask("room.join", {{"room", "tea"}});
  bob.ask("room.join", {{"room", "tea"}});
  const auto first = ann.ask("message.send", {{"room", "tea"}, {"text", "heard"}});
  bob.expect("message", {{"seq", first["seq"]}});

  // Node b sleeps without a subscription while the log runs past its end.
  c.node("b").stop();
  c.redis(0).command({"CLIENT", "KILL", "TYPE", "pubsub"});
  json last;
  for (int i = 0; i < 600; ++i)
    last = insist(ann, "unheard");
  c.node("b").cont();

  const auto gap = bob.expect("room.gap", {{"room", "tea"}});
  bob.expect("message", {{"seq", last["seq"]}});
  CHECK(gap["epoch"] == first["epoch"]);
  CHECK(gap["from"] == first["seq"].get<std::uint64_t>() + 1);
  // In its place: the frame before it is the last one heard, the frame behind it the first that is left.
  auto next = first["seq"].get<std::uint64_t>();
  for (const auto& f : bob.frames()) {
    const auto method = f.content.value("method", "");
    if (method == "room.gap") {
      CHECK(f.content["params"]["from"] == next);
      next = f.content["params"]["to"].get<std::uint64_t>() + 1;
    } else if (method == "message") {
      CHECK(f.content["params"]["seq"] == next++);
    }
  }
  CHECK(next == last["seq"].get<std::uint64_t>() + 1);
}
