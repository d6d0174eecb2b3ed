// What a node answers over HTTP, on the same port as WebSockets.
#include <catch2/catch.hpp>

#include "tests/support/cluster.hpp"
#include "tests/support/http_request.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

TEST_CASE("a node answers over HTTP: page, health, readiness, metrics, nodes", "[protocol][http]") {
  cluster c({.shards = 2});
  const auto port = c.port("a");

  const auto page = http_get(port, "/");
  CHECK(page.status == 200);
  CHECK(page.headers.at("content-type").starts_with("text/html"));
  CHECK(page.body.find("<html") != std::string::npos);
  CHECK(http_get(port, "/healthz").status == 200);
  CHECK(http_get(port, "/readyz").status == 200);
  CHECK(http_get(port, "/no/such/thing").status == 404);
  CHECK(http_get(port, "/../etc/passwd").status >= 400);

  client_loop loop;
  chat_client ann(loop, c.as("ann"));
  ann.opened();
  const auto metrics = http_get(port, "/metrics");
  CHECK(metrics.status == 200);
  CHECK(metrics.headers.at("content-type").starts_with("text/plain"));
  CHECK(metrics.body.find("# TYPE starling_") != std::string::npos);

  const auto nodes = http_get(port, "/nodes");
  CHECK(nodes.status == 200);
  CHECK(nodes.headers.at("content-type").starts_with("application/json"));
  CHECK(!json::parse(nodes.body, nullptr, false).is_discarded());
  CHECK(c.knows("a", "a"));
  CHECK(c.knows("a", "b"));

  // What is no HTTP, or no WebSocket handshake
  CHECK(http_exchange(port, "GARBAGE\r\n\r\n").status == 400);
  CHECK(http_exchange(port, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").status ==
        405);
  const auto plain = http_get(port, "/ws").status;
  CHECK((plain == 400 || plain == 426));
  const auto huge =
      http_exchange(port, "GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n").status;
  CHECK((huge == 0 || (huge >= 400 && huge < 500))); // answered, or cut off: not swallowed
  CHECK(http_get(port, "/healthz").status == 200);
}

TEST_CASE("the page of metrics tells of clients, actors and shards", "[protocol][http]") {
  cluster c({.shards = 2, .nodes = {"a"}});
  client_loop loop;
  chat_client one(loop, c.as("one"));
  one.opened();
  const auto page = http_get(c.port("a"), "/metrics").body;
  CHECK(page.find("starling_connections{kind=\"websocket\"} 1") != std::string::npos);
  CHECK(page.find("starling_actors{kind=\"session\"} 1") != std::string::npos);
  CHECK(page.find("starling_redis_calls_total{shard=\"s1\"} ") != std::string::npos);
  CHECK(page.find("starling_redis_failures_total{shard=\"s0\"} ") != std::string::npos);
  CHECK(page.find("starling_log_reads_total 0") != std::string::npos);
  CHECK(page.find("starling_publications_in_vain_total 0") != std::string::npos);
}

TEST_CASE("promtool finds nothing to complain of in the page of metrics", "[protocol][http]") {
  INFO("promtool is in Debian's package prometheus: ./dev deps");
  REQUIRE(run({"promtool", "--version"}).status == 0);
  cluster c({.shards = 2});
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a"));
  chat_client bob(loop, c.as("bob", "b"));
  for (auto* client : {&ann, &bob}) {
    client->opened();
    client->ask("room.join", {{"room", "r"}});
  }
  ann.ask("message.send", {{"room", "r"}, {"text", "hello"}});
  bob.expect("message", {{"room", "r"}});
  for (const auto* node : {"a", "b"}) {
    const auto page = http_get(c.port(node), "/metrics").body;
    CHECK(page.find("starling_redis_round_trip_seconds_count{shard=\"s0\"} ") != std::string::npos);
    const auto checked = run({"promtool", "check", "metrics"}, page);
    CHECK(checked.status == 0);
    CHECK(checked.out + checked.err == "");
  }
}

TEST_CASE("a node that misses a shard lives, is not ready, and says what is missing", "[protocol][http]") {
  cluster c({.shards = 2, .nodes = {"a"}});
  c.redis(1).kill9();
  CHECK(eventually([&] { return !c.is_ready("a"); }, 3s));
  const auto answer = http_get(c.port("a"), "/readyz");
  CHECK(answer.status == 503);
  const auto why = json::parse(answer.body, nullptr, false);
  REQUIRE(!why.is_discarded());
  REQUIRE(why["missing"].size() == 1);
  CHECK(why["missing"][0].get<std::string>().find("s1") != std::string::npos);
  CHECK(http_get(c.port("a"), "/healthz").status == 200);
  c.redis(1).restart();
  CHECK(eventually([&] { return c.is_ready("a"); }, 5s));
}

TEST_CASE("a node that is full says so, and when to come back", "[protocol][http]") {
  cluster c({.shards = 1, .nodes = {"a"}, .set = {"limits.connections=2"}});
  client_loop loop;
  chat_client one(loop, c.as("one"));
  chat_client two(loop, c.as("two"));
  one.opened();
  two.opened();
  chat_client three(loop, c.as("three"));
  CHECK(!three.connected());
  const auto end = three.wait_end();
  REQUIRE(end);
  CHECK(end->http_status == 503);
  CHECK(end->http_reply.find("Retry-After: ") != std::string::npos);
  // A place that becomes free is given again.
  two.close();
  CHECK(eventually([&] {
    chat_client next(loop, c.as("three"));
    return next.connected();
  }));
  CHECK(verdict(one.call("ping")) == "ok");
}
