#include <catch2/catch.hpp>

#include "net/http.hpp"
#include "net/proof.hpp"
#include "web_fixture.hpp"

using namespace starling;
using namespace starling::net;
using namespace starling::net::test;

TEST_CASE("the page is served with its type, a tag and a strict policy, on a connection that is kept", "[http]") {
  server s;
  raw_client c{s.port()};
  auto page = c.get("/");
  CHECK(has(page, "HTTP/1.1 200"));
  CHECK(has(page, "Content-Type: text/html; charset=utf-8"));
  CHECK(has(page, "default-src 'none'"));
  CHECK(!has(page, "unsafe"));
  auto at = page.find("ETag: ") + 6;
  auto tag = page.substr(at, page.find("\r\n", at) - at);
  auto again = c.get("/", "If-None-Match: " + tag + "\r\n");
  CHECK(has(again, "HTTP/1.1 304"));
  CHECK(has(c.get("/app.js"), "Content-Type: text/javascript"));
  CHECK(has(c.get("/style.css"), "Content-Type: text/css"));
}

TEST_CASE("health, readiness, nodes and metrics have their pages", "[http]") {
  server s;
  raw_client c{s.port()};
  CHECK(has(c.get("/healthz"), "HTTP/1.1 200"));
  auto ready = c.get("/readyz");
  CHECK(has(ready, "HTTP/1.1 503"));
  CHECK(has(ready, "{\"missing\":[\"master\"]}"));
  CHECK(has(c.get("/nodes"), "{\"nodes\":[]}"));
  raw_client w{s.port()};
  w.upgrade("/ws?user=ann");
  w.next_text();
  auto metrics = c.get("/metrics");
  CHECK(has(metrics, "# TYPE starling_connections gauge"));
  CHECK(has(metrics, "starling_connections{kind=\"websocket\"} 1"));
  CHECK(has(metrics, "starling_session_opens_total{result=\"opened\"} 1"));
}

TEST_CASE("what is not served is refused in plain words", "[http]") {
  server s;
  raw_client c{s.port()};
  CHECK(has(c.get("/nothing"), "HTTP/1.1 404"));
  CHECK(has(c.get("/../etc/passwd"), "HTTP/1.1 404"));
  auto upgrade = c.get("/ws");
  CHECK(has(upgrade, "HTTP/1.1 426"));
  CHECK(has(upgrade, "Upgrade: websocket"));
  c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
  auto post = c.read_http();
  CHECK(has(post, "HTTP/1.1 405"));
  CHECK(has(post, "Allow: GET"));
  CHECK(c.ends());
}

TEST_CASE("nonsense and endless headers are refused", "[http]") {
  server s;
  raw_client nonsense{s.port()};
  nonsense.send("nonsense\r\n\r\n");
  CHECK(has(nonsense.read_http(), "HTTP/1.1 400"));
  raw_client endless{s.port()};
  endless.send("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x'));
  CHECK(has(endless.read_http(), "HTTP/1.1 431"));
}

TEST_CASE("a request that names no path is answered, and does no harm", "[http]") {
  server s;
  raw_client c{s.port()};
  c.send("GET ?token=a HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(has(c.read_http(), "HTTP/1.1 404"));
  CHECK(has(c.get("*"), "HTTP/1.1 404"));
  CHECK(has(c.get("/healthz"), "HTTP/1.1 200"));
}

TEST_CASE("an upgrade that Beast refuses is answered by HTTP", "[http]") {
  server s;
  raw_client c{s.port()};
  c.send("GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  CHECK(has(c.read_http(), "HTTP/1.1 426"));
  CHECK(c.ends());
}

TEST_CASE("members of a query are found and decoded", "[http]") {
  CHECK(query_member("/ws?token=a%2Eb&user=c", "token") == "a.b");
  CHECK(query_member("/ws?token=a%2Eb&user=c+d", "user") == "c d");
  CHECK(query_member("/ws?mytoken=a", "token") == std::nullopt);
  CHECK(query_member("/ws?token=%4", "token") == "%4");
  CHECK(query_member("/ws", "token") == std::nullopt);
  CHECK(path_of("/ws?x=/y") == "/ws");
}

TEST_CASE("a client proves itself by header or query, in this order", "[http]") {
  CHECK(proof_in("bearer abc", "/ws?token=x")->token == "abc");
  CHECK(proof_in("Basic abc", "/ws?user=u&token=x")->token == "x");
  CHECK(proof_in("", "/ws?user=u")->user == "u");
  CHECK(!proof_in("Bearer ", "/ws"));
}
