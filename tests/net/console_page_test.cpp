// Who may see the console as a web page, and how it is asked.
#include <catch2/catch.hpp>

#include "net/console.hpp"
#include "net/console_socket.hpp"
#include "web_fixture.hpp"

using namespace starling;
using namespace starling::net;
using namespace starling::net::test;

namespace {

/// Echoes what is asked.
class echo final : public console_session {
public:
  void ask(std::string what, std::function<void(std::string)> answer) override { answer("echo " + what); }
};

console_port by(console_access access) {
  return {access, [](std::string_view message) { return message == R"({"token":"right"})"; },
          [](const std::string&) { return std::make_unique<echo>(); }};
}

constexpr std::string_view local = "127.0.0.1:8080";

int status_for(const console_visit& who, console_access access = console_access::loopback) {
  auto refused = refuse_visit(access, who);
  return refused ? refused->status : 200;
}

std::string upgrade(raw_client& c, const std::string& headers = "Host: localhost\r\n") {
  c.send("GET /console/ws HTTP/1.1\r\n" + headers +
         "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  return c.read_header();
}

std::string get(raw_client& c, const std::string& target, const std::string& headers) {
  c.send("GET " + target + " HTTP/1.1\r\n" + headers + "\r\n");
  return c.read_http();
}

/// A page that has come in.
void enter(raw_client& c) {
  REQUIRE(has(upgrade(c), "HTTP/1.1 101"));
  REQUIRE(c.next_text() == R"({"proved":true})");
}

} // namespace

TEST_CASE("the console's page is for this machine: not for proxies, other sites and other names", "[console_page]") {
  CHECK(status_for({local, {}, false, true}) == 200);
  CHECK(status_for({"localhost:8080", "http://localhost:8080", false, true}) == 200);
  CHECK(status_for({"[::1]:8080", "http://[::1]:8080", false, true}) == 200);
  CHECK(status_for({local, {}, false, false}) == 403);
  CHECK(status_for({local, {}, true, true}) == 403);
  CHECK(status_for({local, "http://evil.example", false, true}) == 403);
  CHECK(status_for({local, "http://127.0.0.1:9999", false, true}) == 403);
  CHECK(status_for({local, "null", false, true}) == 403);
  CHECK(status_for({"evil.example:8080", "http://evil.example:8080", false, true}) == 403); // a name that points here
  CHECK(status_for({{}, {}, false, true}) == 403);
  for (auto access : {console_access::off, console_access::token})
    CHECK(status_for({"evil.example", {}, true, false}, access) == (access == console_access::off ? 404 : 200));
  CHECK(has(refuse_visit(console_access::loopback, {local, {}, false, false})->body, "inspect.web"));
}

TEST_CASE("the rules of the console hold for its page, its files and its socket", "[console_page]") {
  server s({}, {}, by(console_access::loopback));
  for (auto* target : {"/console", "/console.js", "/console/ws"}) {
    raw_client c{s.port()};
    CHECK(has(get(c, target, "Host: evil.example\r\n"), "HTTP/1.1 403"));
    raw_client proxy{s.port()};
    CHECK(has(get(proxy, target, "Host: localhost\r\nX-Forwarded-For: 1.2.3.4\r\n"), "HTTP/1.1 403"));
    raw_client forwarded{s.port()};
    CHECK(has(get(forwarded, target, "Host: localhost\r\nForwarded: for=1.2.3.4\r\n"), "HTTP/1.1 403"));
  }
  raw_client c{s.port()};
  auto page = get(c, "/console", "Host: localhost\r\n");
  CHECK(has(page, "HTTP/1.1 200"));
  CHECK(has(page, "default-src 'none'"));
  CHECK(has(get(c, "/console/ws", "Host: localhost\r\n"), "HTTP/1.1 426"));
  raw_client stranger{s.port()};
  CHECK(has(upgrade(stranger, "Host: localhost\r\nOrigin: http://evil.example\r\n"), "HTTP/1.1 403"));
  raw_client same{s.port()};
  CHECK(has(upgrade(same, "Host: localhost\r\nOrigin: http://localhost\r\n"), "HTTP/1.1 101"));
  CHECK(eventually([&] { return s.front().counts().consoles_refused == 10; }));
}

TEST_CASE("without the console there is no such page", "[console_page]") {
  server s;
  for (auto* target : {"/console", "/console.js", "/console/ws"}) {
    raw_client c{s.port()};
    CHECK(has(get(c, target, "Host: localhost\r\n"), "HTTP/1.1 404"));
  }
}

TEST_CASE("a page asks and is answered, in turns", "[console_page]") {
  server s({}, {}, by(console_access::loopback));
  raw_client c{s.port()};
  enter(c);
  for (int i = 0; i < 3; ++i)
    c.send_text("ask " + std::to_string(i));
  for (int i = 0; i < 3; ++i)
    CHECK(c.next_text() == "echo ask " + std::to_string(i));
  c.send_text(std::string(64 * 1024 + 1, 'x'));
  CHECK(c.next_close()->close_code() == 1009);
}

TEST_CASE("a page that asks too much waits, and loses nothing", "[console_page]") {
  server s({}, {}, by(console_access::loopback));
  raw_client c{s.port()};
  enter(c);
  for (int i = 0; i < 120; ++i) // more than the burst
    c.send_text(std::to_string(i));
  for (int i = 0; i < 120; ++i)
    REQUIRE(c.next_text() == "echo " + std::to_string(i));
  CHECK(eventually([&] { return s.front().counts().console_rests > 0; }));
}

TEST_CASE("by token, a page proves it first", "[console_page]") {
  server s({}, {}, by(console_access::token));
  raw_client good{s.port()}, bad{s.port()};
  REQUIRE(has(upgrade(good, "Host: any.example\r\nX-Forwarded-For: 1.2.3.4\r\n"), "HTTP/1.1 101"));
  CHECK(good.next_text() == R"({"prove":true})");
  good.send_text(R"({"token":"right"})");
  CHECK(good.next_text() == R"({"proved":true})");
  good.send_text("x");
  CHECK(good.next_text() == "echo x");

  REQUIRE(has(upgrade(bad), "HTTP/1.1 101"));
  CHECK(bad.next_text() == R"({"prove":true})");
  bad.send_text(R"({"token":"wrong"})");
  CHECK(bad.next_close()->close_code() == 1008);
  CHECK(eventually([&] { return s.front().counts().consoles_refused == 1; }));
}

TEST_CASE("only so many pages are served at once, and one that goes makes room", "[console_page]") {
  server s({}, {}, by(console_access::loopback));
  std::vector<std::unique_ptr<raw_client>> pages;
  for (std::size_t i = 0; i < console_pages_max; ++i) {
    pages.push_back(std::make_unique<raw_client>(s.port()));
    REQUIRE(has(upgrade(*pages.back()), "HTTP/1.1 101"));
  }
  raw_client more{s.port()};
  auto answer = upgrade(more);
  CHECK(has(answer, "HTTP/1.1 503"));
  CHECK(has(answer, "Retry-After"));
  pages.front()->reset();
  REQUIRE(eventually([&] { return s.front().counts().consoles_open < console_pages_max; }));
  raw_client next{s.port()};
  CHECK(has(upgrade(next), "HTTP/1.1 101"));
}

TEST_CASE("pages of the console are told when the node leaves", "[console_page]") {
  server s({}, {}, by(console_access::loopback));
  raw_client c{s.port()};
  enter(c);
  c.send_text("x");
  CHECK(c.next_text() == "echo x");
  s.front().close_all(close_code::going_away, "this node is leaving", std::chrono::milliseconds(0));
  CHECK(c.next_close()->close_code() == 1001);
}
