// Who is let in, and what those are told who are not; each at its limit and one past it.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "web_fixture.hpp"

using namespace starling;
using namespace starling::net;
using namespace starling::net::test;
using nlohmann::json;

namespace {

constexpr std::string_view bad_open = R"({"jsonrpc":"2.0","id":1,"method":"session.open","params":{"token":"bad"}})";
constexpr std::string_view good_open =
    R"({"jsonrpc":"2.0","id":1,"method":"session.open","params":{"token":"good:ann"}})";

/// As it listens behind a proxy of this machine.
const door_rules behind_proxy{{}, {"127.0.0.1"}};

std::string forwarded(const std::string& who) { return "X-Forwarded-For: " + who + "\r\n"; }

std::uint64_t turned_away(server& s, refusal why) { return s.front().counts().refused[static_cast<std::size_t>(why)]; }
std::uint64_t opens(server& s, open_result how) { return s.front().counts().opens[static_cast<std::size_t>(how)]; }

/// A connection of `who` behind the proxy, which has upgraded if it may; the answer's first line tells.
struct guest : raw_client {
  guest(server& s, const std::string& who, std::string_view target = "/ws?user=ann")
      : raw_client(s.port()), answer(upgrade(target, forwarded(who))) {}
  bool in() const { return has(answer, "HTTP/1.1 101"); }
  std::string answer;
};

} // namespace

TEST_CASE("a page of another origin is not let in, and told why", "[door]") {
  server s({}, {}, {}, {{"https://chat.example.org"}, {}});
  auto upgrade = [&](const std::string& headers) { return raw_client{s.port()}.upgrade("/ws?user=ann", headers); };
  CHECK(has(upgrade("Origin: https://chat.example.org\r\n"), "HTTP/1.1 101"));
  CHECK(has(upgrade("Origin: http://x\r\n"), "HTTP/1.1 101")); // the node's own: Host is x
  CHECK(has(upgrade(""), "HTTP/1.1 101"));
  CHECK(turned_away(s, refusal::origin) == 0);
  CHECK(has(upgrade("Origin: null\r\n"), "HTTP/1.1 403"));
  raw_client stranger{s.port()};
  stranger.send(
      "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://evil.example\r\n\r\n");
  auto answer = stranger.read_http();
  CHECK(has(answer, "HTTP/1.1 403"));
  CHECK(has(answer, "pages of https://evil.example may not connect to this node (node.origins)"));
  CHECK(stranger.ends());
  CHECK(turned_away(s, refusal::origin) == 2);
  CHECK(has(raw_client{s.port()}.get("/metrics", "Origin: https://evil.example\r\n"),
            "starling_connections_refused_total{reason=\"origin\"} 2"));
}

TEST_CASE("an address has so many connections, and one more is answered 429", "[door]") {
  limits bounds;
  bounds.connections_per_address = 2;
  server s(bounds);
  auto first = std::make_unique<raw_client>(s.port());
  CHECK(has(first->upgrade("/ws?user=ann"), "HTTP/1.1 101"));
  raw_client second{s.port()};
  CHECK(has(second.get("/healthz"), "HTTP/1.1 200"));
  CHECK(has(second.get("/healthz"), "HTTP/1.1 200"));
  raw_client third{s.port()};
  auto answer = third.read_http();
  CHECK(has(answer, "HTTP/1.1 429"));
  CHECK(has(answer, "Retry-After: "));
  CHECK(has(answer, "too many connections from your address"));
  CHECK(third.ends());
  CHECK(turned_away(s, refusal::address) == 1);
  first->reset();
  REQUIRE(eventually([&] { return connections_left(s) == 1; }));
  CHECK(has(raw_client{s.port()}.get("/healthz"), "HTTP/1.1 200"));
}

TEST_CASE("behind a proxy each client has its own connections, and the proxy has no limit", "[door]") {
  limits bounds;
  bounds.connections_per_address = 2;
  server s(bounds, {}, {}, behind_proxy);
  auto first = std::make_unique<guest>(s, "192.0.2.1");
  guest second(s, "9.9.9.9, 192.0.2.1");
  CHECK((first->in() && second.in()));
  guest third(s, "192.0.2.1");
  CHECK(has(third.answer, "HTTP/1.1 429"));
  CHECK(has(third.answer, "Retry-After: "));
  CHECK(guest(s, "192.0.2.2").in());
  raw_client two_lines{s.port()}; // as HAProxy writes it
  CHECK(has(two_lines.get("/healthz", forwarded("192.0.2.3") + forwarded("192.0.2.1")), "HTTP/1.1 429"));
  CHECK(turned_away(s, refusal::address) == 2);
  first->reset();
  CHECK(eventually([&] {
    s.sessions.forget(); // as sessions do that have ended
    return guest(s, "192.0.2.1").in();
  }));

  std::vector<std::unique_ptr<raw_client>> own;
  for (int i = 0; i < 5; ++i) {
    own.push_back(std::make_unique<raw_client>(s.port()));
    CHECK(has(own.back()->get("/healthz"), "HTTP/1.1 200"));
  }
}

TEST_CASE("a connection on which a proxy speaks for many counts for the one of its last request", "[door]") {
  limits bounds;
  bounds.connections_per_address = 1;
  server s(bounds, {}, {}, behind_proxy);
  raw_client pooled{s.port()};
  CHECK(has(pooled.get("/healthz", forwarded("192.0.2.1")), "HTTP/1.1 200"));
  CHECK(has(pooled.get("/healthz", forwarded("192.0.2.1")), "HTTP/1.1 200")); // not a second one
  CHECK(!guest(s, "192.0.2.1").in());
  CHECK(has(pooled.get("/healthz", forwarded("192.0.2.2")), "HTTP/1.1 200"));
  CHECK(!guest(s, "192.0.2.2").in());
  guest other(s, "192.0.2.1");
  CHECK(other.in());
  CHECK(has(pooled.get("/healthz"), "HTTP/1.1 200"));
  CHECK(guest(s, "192.0.2.2").in());
}

TEST_CASE("an address to which many sessions were refused may not upgrade for a minute", "[door]") {
  limits bounds;
  bounds.refused_opens_per_minute = 2;
  server s(bounds, {}, {}, behind_proxy);
  guest witness(s, "192.0.2.1", "/ws?token=good:bob");
  for (int i = 0; i < 2; ++i) {
    guest tries(s, "192.0.2.1", "/ws?token=bad");
    REQUIRE(tries.in());
    CHECK(tries.next_close()->close_code() == 4001);
  }
  guest again(s, "192.0.2.1", "/ws?token=good:ann");
  CHECK(has(again.answer, "HTTP/1.1 429"));
  auto at = again.answer.find("Retry-After: ");
  REQUIRE(at != std::string::npos);
  auto wait = std::stoi(again.answer.substr(at + 13));
  CHECK(wait > 30);
  CHECK(wait <= 60);
  CHECK(turned_away(s, refusal::barred) == 1);
  CHECK(guest(s, "192.0.2.2", "/ws?token=good:ann").in());
  // Who is in stays, and may show a new token.
  CHECK(has(witness.next_text(), "session.opened"));
  witness.send_text(R"({"jsonrpc":"2.0","id":1,"method":"session.open","params":{"token":"good:bob"}})");
  CHECK(has(witness.next_text(), "\"id\":1"));
}

TEST_CASE("a connection that tries again from an address that is barred is closed with 1008", "[door]") {
  limits bounds;
  bounds.refused_opens_per_minute = 3;
  server s(bounds, {}, {}, behind_proxy);
  guest one(s, "192.0.2.1", "/ws"), two(s, "192.0.2.1", "/ws"), other(s, "192.0.2.2", "/ws");
  for (auto* each : {&one, &one, &two}) {
    each->send_text(bad_open);
    CHECK(has(each->next_text(), "401"));
  }
  one.send_text(good_open);
  CHECK(has(one.next_text(), "session.closing"));
  auto close = one.next_close();
  REQUIRE(close);
  CHECK(close->close_code() == 1008);
  CHECK(close->close_reason() == "too many sessions were refused to your address");
  CHECK(opens(s, open_result::barred) == 1);
  other.send_text(good_open);
  CHECK(has(other.next_text(), "\"id\":1"));
}

TEST_CASE("a proxy that forwards for nobody is never barred", "[door]") {
  limits bounds;
  bounds.refused_opens_per_minute = 1;
  server s(bounds, {}, {}, behind_proxy);
  for (int i = 0; i < 3; ++i) {
    raw_client c{s.port()};
    CHECK(has(c.upgrade("/ws?token=bad"), "HTTP/1.1 101"));
    CHECK(c.next_close()->close_code() == 4001);
  }
}

TEST_CASE("beyond the rate a session is put off with 4013 and told when and where to come back", "[door]") {
  limits bounds;
  bounds.opens_per_second = 0.1;
  bounds.opens_burst = 2;
  server s(bounds);
  raw_client by_query{s.port()}, by_request{s.port()}, late_query{s.port()}, late_request{s.port()};
  by_query.upgrade("/ws?user=ann");
  CHECK(has(by_query.next_text(), "session.opened"));
  by_request.upgrade();
  by_request.send_text(good_open);
  CHECK(has(by_request.next_text(), "\"id\":1"));
  by_request.send_text(good_open); // a renewal is no opening
  CHECK(has(by_request.next_text(), "\"id\":1"));

  late_query.upgrade("/ws?user=bob");
  late_request.upgrade();
  auto hints = std::vector<int>{};
  for (auto* late : {&late_query, &late_request}) {
    if (late == &late_request) late->send_text(good_open);
    auto told = json::parse(late->next_text());
    CHECK(told["method"] == "session.closing");
    CHECK(told["params"]["nodes"] == json::array({"ws://127.0.0.1:1/ws"}));
    hints.push_back(told["params"]["reconnect_in_ms"]);
    auto close = late->next_close();
    REQUIRE(close);
    CHECK(close->close_code() == 4013);
  }
  CHECK(hints[0] > 5'000);
  CHECK(hints[0] <= 10'100);
  CHECK(hints[1] > hints[0]); // the next place in the line
  CHECK(s.sessions.count() == 2);
  CHECK(opens(s, open_result::opened) == 2);
  CHECK(opens(s, open_result::put_off) == 2);
}

TEST_CASE("a token that is refused takes nobody's turn", "[door]") {
  limits bounds;
  bounds.opens_per_second = 0.1;
  bounds.opens_burst = 1;
  server s(bounds);
  raw_client bad{s.port()}, good{s.port()};
  bad.upgrade("/ws?token=bad");
  CHECK(bad.next_close()->close_code() == 4001);
  good.upgrade("/ws?token=good:ann");
  CHECK(has(good.next_text(), "session.opened"));
}
