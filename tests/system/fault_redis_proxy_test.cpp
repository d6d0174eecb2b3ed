// The network between the nodes and Redis goes bad: a proxy of the tests stands before each shard.
#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <random>

#include "tests/support/cluster.hpp"
#include "tests/support/crowd.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

/// Nodes are not declared dead here for being slow on a busy machine: it is not what is tested.
cluster_plan behind_proxies(std::size_t shards, std::vector<std::string> set = {}, fault_proxy_options proxy = {}) {
  return {.shards = shards, .set = std::move(set), .dead_after = "1m", .proxies = proxy};
}

/// A cluster behind proxies, and people on both of its nodes.
struct scene {
  explicit scene(const cluster_plan& plan,
                 const crowd_plan& people_plan = {.clients = 16, .rooms = 9, .rooms_per_client = 2})
      : c(plan), people(loop, {c.port("a"), c.port("b")}, people_plan) {}

  fault_proxy& proxy() { return c.proxy(victim); }
  redis_process& redis() { return c.redis(victim); }
  bool all_ready() const { return c.is_ready("a") && c.is_ready("b"); }
  /// All talk, and it gets through.
  void talk() {
    people.talk(100ms);
    check_talk();
  }
  void check_talk() { CHECK(people.wait_acknowledged(100, 30s)); }
  /// The promise: what was acknowledged is seen by every member, once, in one order. And nobody's connection has ended.
  void check_promise() {
    CHECK(people.settle());
    const auto found = people.faults(c.port("a"));
    INFO(describe(found, people.seed()));
    CHECK(found.empty());
    CHECK(people.complaints() == no_complaints); // no room.gap, no error but 503
    CHECK(people.reconnects() == 0);
  }

  cluster c;
  client_loop loop;
  crowd people;
  const std::size_t victim = people.seed() % c.shards(); // the shard that is harmed
  // Said with whatever fails.
  Catch::ScopedMessage seed{Catch::MessageBuilder("INFO", CATCH_INTERNAL_LINEINFO, Catch::ResultWas::Info)
                            << "seed " << people.seed()};
};

/// Of a node's connections to a shard, the one for subscriptions.
bool is_subscription(std::string_view first_bytes) { return first_bytes.find("SUBSCRIBE") != first_bytes.npos; }

struct answer {
  std::string verdict;
  std::chrono::milliseconds took;
};

answer timed_send(chat_client& client, const std::string& room) {
  const auto begin = steady::now();
  const auto r = client.call("message.send", {{"room", room}, {"text", "still there?"}});
  return {verdict(r), std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - begin)};
}

/// What became of messages to a shard that does not answer.
struct in_the_dark {
  std::atomic<int> sent = 0, answered = 0, refused = 0;
};

/// So many of Redis' connections have subscribed to something.
std::size_t subscribers(const redis_process& redis) {
  const auto list = redis.command({"CLIENT", "LIST", "TYPE", "pubsub"}).to_string();
  return static_cast<std::size_t>(std::count(list.begin(), list.end(), '\n'));
}

} // namespace

TEST_CASE("subscriptions that Redis drops at its output buffer limit are made anew and what was missed is repaired",
          "[fault_redis_proxy]") {
  // Neither silence nor the check of the tails shall be what notices.
  // The messages are large; test clients that are slow to read them are not what is tested.
  scene s(behind_proxies(1,
                         {"redis.silence=\"1m\"", "timings.tail_check=\"1m\"", "timings.request=\"10s\"",
                          "limits.outbox_bytes=67108864"},
                         {.held_bytes_max = 64 * 1024, .receive_buffer_bytes = 16 * 1024}),
          {.clients = 8, .rooms = 4, .rooms_per_client = 1});
  s.people.talk(30ms, 15'000); // megabytes, since the kernel of Redis takes some before Redis has to keep any
  CHECK(s.people.wait_acknowledged(50, 30s));
  CHECK(subscribers(s.redis()) == 2);

  s.proxy().only(is_subscription);
  s.proxy().inject(flow::to_client, {.stall = true});
  // Not before: a node that is slow for a moment would be dropped as well.
  s.redis().command({"CONFIG", "SET", "client-output-buffer-limit", "pubsub 64kb 64kb 1"});
  CHECK(eventually([&] { return subscribers(s.redis()) == 0; }, 30s));
  s.people.talk(100ms);
  CHECK(s.people.wait_acknowledged(50, 30s)); // what carries requests has nothing to do with it
  // The nodes do not know yet: they learn of it when they have read what came before the end.
  for (const auto* node : {"a", "b"})
    CHECK(s.c.log_of(node).find("shard.deaf") == std::string::npos);
  s.proxy().heal();
  CHECK(eventually([&] { return subscribers(s.redis()) == 2; }));
  for (const auto* node : {"a", "b"})
    CHECK(s.c.log_of(node).find("shard.deaf") != std::string::npos);

  s.check_promise();
  CHECK(s.people.unavailable() == 0);
}

TEST_CASE("while one shard is a black hole the rooms of others never wait, and when it heals its rooms are whole",
          "[fault_redis_proxy]") {
  scene s(behind_proxies(3, {"limits.requests_per_second=100000", "limits.requests_burst=100000"}));
  chat_client sender(s.loop, s.c.as("sender", "a"));
  sender.opened();
  const auto rooms = s.c.room_on_each_shard(sender, "probe-");
  s.talk();

  s.proxy().inject({.stall = true});
  const auto begin = steady::now();
  // Over the same connection as what does not get through.
  const auto dark = std::make_shared<in_the_dark>();
  std::chrono::milliseconds slowest{0};
  while (steady::now() - begin < 3s) {
    if (dark->sent == dark->answered) {
      ++dark->sent;
      sender.request("message.send", {{"room", rooms[s.victim]}, {"text", "into the dark"}}, [dark](const reply& r) {
        dark->refused += r.code() == 503 ? 1 : 0;
        ++dark->answered;
      });
    }
    for (std::size_t shard = 0; shard < s.c.shards(); ++shard) {
      if (shard == s.victim) continue;
      const auto [verdict, took] = timed_send(sender, rooms[shard]);
      if (verdict != "ok") FAIL("shard " << shard << " answers " << verdict);
      slowest = std::max(slowest, took);
    }
  }
  CHECK(slowest < 500ms);
  CHECK(s.people.unavailable() > 0); // it was dark
  CHECK(!s.all_ready());
  s.proxy().heal();
  const auto healed = steady::now();
  CHECK(eventually([&] { return timed_send(sender, rooms[s.victim]).verdict == "ok"; }, 5s));
  CHECK(eventually([&] { return dark->answered == dark->sent; }));
  CHECK(dark->refused > 0);
  s.check_talk();
  CHECK(eventually([&] { return s.all_ready(); }, 5s));
  INFO("healed within " << std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - healed).count());

  s.check_promise();
}

TEST_CASE("connections to Redis that bring each byte alone work as others do", "[fault_redis_proxy]") {
  // The scripts alone are a hundred thousand bytes, at each connect.
  scene s(behind_proxies(2, {"redis.connect=\"10s\"", "redis.answer=\"4s\"", "lease.ttl=\"10s\""}));
  for (std::size_t shard = 0; shard < s.c.shards(); ++shard)
    s.c.proxy(shard).inject({.single_bytes = true});
  const auto before = s.proxy().counts();
  CHECK(s.proxy().reset() == 4); // and how they begin: scripts, subscriptions
  CHECK(eventually([&] { return s.all_ready() && subscribers(s.redis()) == 2; }, 30s));
  s.people.talk(200ms);
  CHECK(s.people.wait_acknowledged(150, 30s));
  const auto after = s.proxy().counts();
  CHECK(after.to_server.bytes > before.to_server.bytes + 100'000);
  CHECK(after.to_server.bytes - before.to_server.bytes == after.to_server.writes - before.to_server.writes);
  CHECK(after.to_client.bytes - before.to_client.bytes == after.to_client.writes - before.to_client.writes);

  // Other than messages, too.
  chat_client ann(s.loop, s.c.as("ann", "a")), bob(s.loop, s.c.as("bob", "b"));
  ann.opened();
  bob.opened();
  ann.ask("presence.watch", {{"users", {"bob"}}});
  for (auto* each : {&ann, &bob})
    each->ask("room.join", {{"room", "tea"}});
  CHECK(eventually([&] { return ann.ask("room.who", {{"room", "tea"}})["users"].size() == 2; }));
  CHECK(eventually([&] { return ann.ask("presence.get", {{"users", {"bob"}}})["users"][0]["online"] == true; }));

  s.check_promise();
}

TEST_CASE("connections to Redis that are reset under load lose nothing that was acknowledged", "[fault_redis_proxy]") {
  scene s(behind_proxies(3));
  std::mt19937_64 random(s.people.seed());
  s.people.talk(50ms);
  std::size_t broken = 0;
  for (int round = 0; round < 10; ++round) {
    CHECK(s.people.wait_acknowledged(20 + random() % 40, 30s));
    broken += s.c.proxy(random() % s.c.shards()).reset();
  }
  CHECK(broken >= 10);
  const auto mended = steady::now();
  CHECK(eventually([&] { return s.all_ready(); }, 5s));
  CHECK(steady::now() - mended < 5s);
  s.check_talk();

  s.check_promise();
}

TEST_CASE("a Redis that is 50 ms away in each direction is as good as a near one", "[fault_redis_proxy]") {
  scene s(behind_proxies(3));
  chat_client ann(s.loop, s.c.as("ann", "a"));
  ann.opened();
  const auto rooms = s.c.room_on_each_shard(ann, "probe-");
  for (std::size_t shard = 0; shard < s.c.shards(); ++shard)
    s.c.proxy(shard).inject({.delay = 50ms});
  s.people.talk(100ms);
  CHECK(s.people.wait_acknowledged(300, 30s));
  for (const auto& room : rooms) {
    const auto [verdict, took] = timed_send(ann, room);
    CHECK(verdict == "ok");
    CHECK(took >= 100ms);
    CHECK(took < 1s);
  }
  // Sessions that open, and shards that are connected to, at that distance.
  chat_client bob(s.loop, s.c.as("bob", "b"));
  CHECK_NOTHROW(bob.opened());
  CHECK(s.people.unavailable() == 0);
  for (const auto* node : {"a", "b"})
    CHECK(s.c.log_of(node).find("shard.down") == std::string::npos);
  CHECK(s.c.proxy(0).reset() == 4);
  CHECK(eventually([&] { return !s.all_ready(); }));
  CHECK(eventually([&] { return s.all_ready(); }, 5s));

  s.check_promise();
}

TEST_CASE("a black hole in one direction is noticed within 2 s, then requests are refused at once, until it heals",
          "[fault_redis_proxy]") {
  const auto where = GENERATE(flow::to_client, flow::to_server);
  INFO((where == flow::to_client ? "from Redis" : "to Redis"));
  scene s(behind_proxies(2, {"redis.silence=\"500ms\"", "redis.missed_pings=1", "redis.answer=\"1s\""}));
  chat_client sender(s.loop, s.c.as("sender", "a"));
  sender.opened();
  const auto rooms = s.c.room_on_each_shard(sender, "probe-");
  s.talk();

  // What goes to Redis is carried out whose answer never comes, or will be once all have given it up.
  const auto begin = steady::now();
  s.proxy().inject(where, {.stall = true});
  CHECK(eventually([&] { return !s.c.is_ready("a") && !s.c.is_ready("b"); }, 5s));
  CHECK(steady::now() - begin < 2s);
  for (int i = 0; i < 5; ++i) {
    const auto [verdict, took] = timed_send(sender, rooms[s.victim]);
    CHECK(verdict == "503, retry");
    CHECK(took < 500ms);
    CHECK(timed_send(sender, rooms[1 - s.victim]).verdict == "ok");
  }
  CHECK(eventually([&] { return s.people.unavailable() > 0; }));
  s.proxy().heal();
  CHECK(eventually([&] { return s.all_ready(); }, 5s));
  s.check_talk();

  s.check_promise();
}

TEST_CASE("subscriptions that fall silent without an end are noticed, and what was missed is repaired",
          "[fault_redis_proxy]") {
  scene s(behind_proxies(2, {"redis.silence=\"500ms\"", "redis.missed_pings=1", "timings.tail_check=\"1m\""}));
  s.talk();

  s.proxy().only(is_subscription);
  s.proxy().inject(flow::to_client, {.stall = true});
  const auto begin = steady::now();
  const auto noticed = [&](const std::string& node) {
    return s.c.log_of(node).find("shard.deaf") != std::string::npos;
  };
  CHECK(eventually([&] { return noticed("a") && noticed("b"); }, 5s));
  CHECK(steady::now() - begin < 2s);
  s.proxy().heal();
  CHECK(eventually([&] { return s.all_ready() && subscribers(s.redis()) == 2; }, 5s));
  s.check_talk();

  s.check_promise();
  CHECK(s.people.unavailable() == 0); // Redis itself answered all the time
}

TEST_CASE("when Redis starts again without the nodes hearing that it had ended they find out and go on",
          "[fault_redis_proxy]") {
  scene s(behind_proxies(2, {"redis.silence=\"500ms\"", "redis.missed_pings=1", "redis.answer=\"1s\""}));
  s.talk();

  s.proxy().inject(flow::to_client, {.half_open = true});
  const auto before = s.proxy().counts();
  s.redis().restart();
  const auto restarted = steady::now();
  // By new connections: the old ones stay as they are.
  CHECK(eventually([&] { return subscribers(s.redis()) == 2; }, 5s));
  CHECK(steady::now() - restarted < 4s);
  CHECK(s.proxy().counts().accepted >= before.accepted + 4);
  CHECK(eventually([&] { return s.all_ready(); }, 5s));
  s.check_talk();
  s.proxy().heal();

  s.check_promise();
}

TEST_CASE("a node that died without Redis hearing of it keeps nobody waiting but for room.who", "[fault_redis_proxy]") {
  cluster c(behind_proxies(1));
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a"));
  chat_client bob(loop, c.as("bob", "b"));
  for (auto* each : {&ann, &bob}) {
    each->opened();
    each->ask("room.join", {{"room", "tea"}});
  }
  CHECK(eventually([&] { return ann.ask("room.who", {{"room", "tea"}})["users"].size() == 2; }));
  c.proxy(0).inject(flow::to_server, {.half_open = true});
  c.node("b").kill9();
  CHECK(bob.wait_end());

  CHECK(timed_send(ann, "tea").verdict == "ok");
  const auto begin = steady::now();
  const auto here = ann.ask("room.who", {{"room", "tea"}})["users"];
  CHECK(steady::now() - begin < 2s); // timings.who, 500 ms
  CHECK(here.size() == 1);
  CHECK(eventually([&] { return ann.ask("presence.get", {{"users", {"bob"}}})["users"][0]["online"] == false; }, 8s));
  CHECK(subscribers(c.redis(0)) == 2); // that of the dead one stands
}
