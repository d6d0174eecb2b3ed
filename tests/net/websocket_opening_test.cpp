#include <catch2/catch.hpp>

#include "web_fixture.hpp"

using namespace starling;
using namespace starling::net::test;
using namespace std::chrono_literals;

TEST_CASE("a session is opened by a header, and announced", "[websocket]") {
  server s;
  raw_client c{s.port()};
  auto header = c.upgrade("/ws", "Authorization: Bearer good:ann\r\n");
  CHECK(has(header, "HTTP/1.1 101"));
  CHECK(has(header, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
  CHECK(has(c.next_text(), "session.opened"));
  CHECK(s.sessions.who(0).user == "ann");
}

TEST_CASE("a session is opened by the query, percent-encoded", "[websocket]") {
  server s;
  raw_client by_token{s.port()};
  by_token.upgrade("/ws?token=good%3Aann");
  CHECK(has(by_token.next_text(), "\"user\":\"ann\""));
  raw_client by_name{s.port()};
  by_name.upgrade("/ws?x=1&user=bob");
  CHECK(has(by_name.next_text(), "\"user\":\"bob\""));
}

TEST_CASE("a session is opened by a request, whose answer is the session's", "[websocket]") {
  server s;
  raw_client c{s.port()};
  c.upgrade();
  c.send_text(R"({"jsonrpc":"2.0","id":1,"method":"session.open","params":{"token":"good:ann"}})");
  CHECK(has(c.next_text(), "\"id\":1"));
  CHECK(s.sessions.seen(0) == 1);
}

TEST_CASE("the subprotocol is echoed if it is offered", "[websocket]") {
  server s;
  raw_client with{s.port()};
  CHECK(has(with.upgrade("/ws", "Sec-WebSocket-Protocol: other, starling.v1\r\n"),
            "Sec-WebSocket-Protocol: starling.v1\r\n"));
  raw_client without{s.port()};
  CHECK(!has(without.upgrade(), "Sec-WebSocket-Protocol"));
}

TEST_CASE("a client whose token is refused is let in and told", "[websocket]") {
  server s;
  raw_client c{s.port()};
  CHECK(has(c.upgrade("/ws?token=bad"), "HTTP/1.1 101"));
  auto close = c.next_close();
  REQUIRE(close);
  CHECK(close->close_code() == 4001);
  CHECK(close->close_reason() == "the token is not good");
  c.send_frame(8, close->payload);
  CHECK(c.ends());
}

TEST_CASE("three refused attempts to open end the connection", "[websocket]") {
  server s;
  raw_client c{s.port()};
  c.upgrade();
  for (int i = 0; i < 3; ++i) {
    c.send_text(R"({"jsonrpc":"2.0","id":1,"method":"session.open","params":{"token":"bad"}})");
    auto answer = c.next_text();
    CHECK(has(answer, "401"));
    CHECK(has(answer, "the token is not good"));
  }
  auto close = c.next_close();
  REQUIRE(close);
  CHECK(close->close_code() == 4001);
}

TEST_CASE("before a session is opened only ping is answered", "[websocket]") {
  server s;
  raw_client c{s.port()};
  c.upgrade();
  c.send_text(R"({"jsonrpc":"2.0","id":1,"method":"ping","params":{}})");
  CHECK(has(c.next_text(), "\"at\":\"2"));
  c.send_text(R"({"jsonrpc":"2.0","id":2,"method":"room.list","params":{}})");
  CHECK(has(c.next_text(), "401"));
}

TEST_CASE("a batch of good and bad requests is answered in one frame", "[websocket]") {
  server s;
  raw_client c{s.port()};
  c.upgrade("/ws?user=ann");
  c.next_text();
  c.send_text(R"([{"jsonrpc":"2.0","id":1,"method":"room.list","params":{}},)"
              R"({"jsonrpc":"2.0","id":2,"method":"no.such","params":{}},)"
              R"({"jsonrpc":"2.0","id":3,"method":"room.join","params":{"room":7}},)"
              R"({"jsonrpc":"2.0","id":4,"method":"room.list","params":{}}])");
  auto answer = c.next_text();
  CHECK(answer.front() == '[');
  CHECK(has(answer, "-32601"));
  CHECK(has(answer, "-32602"));
  CHECK(has(answer, "\"id\":4"));
  CHECK(s.sessions.seen(0) == 2);
}

TEST_CASE("a batch may open the session and use it", "[websocket]") {
  server s;
  raw_client c{s.port()};
  c.upgrade();
  c.send_text(R"([{"jsonrpc":"2.0","id":1,"method":"room.list","params":{}},)"
              R"({"jsonrpc":"2.0","id":2,"method":"session.open","params":{"token":"good:ann"}},)"
              R"({"jsonrpc":"2.0","id":3,"method":"room.list","params":{}}])");
  auto answer = c.next_text();
  CHECK(has(answer, "401"));
  CHECK(s.sessions.seen(0) == 2);
}

TEST_CASE("a token is renewed on the open connection, but only for the same user", "[websocket]") {
  timings times;
  times.token_warning = 400ms;
  server s{{}, times};
  raw_client c{s.port()};
  c.upgrade("/ws?token=short:ann:500");
  CHECK(has(c.next_text(), "session.opened"));
  CHECK(has(c.next_text(), "session.expiring"));
  c.send_text(R"({"jsonrpc":"2.0","id":1,"method":"session.open","params":{"token":"good:bob"}})");
  CHECK(has(c.next_text(), "403"));
  c.send_text(R"({"jsonrpc":"2.0","id":2,"method":"session.open","params":{"token":"short:ann:800"}})");
  CHECK(has(c.next_text(), "echo"));
  CHECK(s.sessions.count() == 1);
  CHECK(has(c.next_text(), "session.expiring")); // of the new token
}

TEST_CASE("a token that expires is announced once and closes the connection", "[websocket]") {
  timings times;
  times.token_warning = 200ms;
  server s{{}, times};
  raw_client c{s.port()};
  c.upgrade("/ws?token=short:ann:500");
  CHECK(has(c.next_text(), "session.opened"));
  CHECK(has(c.next_text(), "session.expiring"));
  CHECK(has(c.next_text(), "session.closing"));
  auto close = c.next_close();
  REQUIRE(close);
  CHECK(close->close_code() == 4001);
  CHECK(eventually([&] { return s.sessions.ends(0) == 1; }));
}

TEST_CASE("a connection that is not opened in time is closed", "[websocket]") {
  timings times;
  times.open = 200ms;
  server s{{}, times};
  raw_client c{s.port()};
  c.upgrade();
  auto close = c.next_close();
  REQUIRE(close);
  CHECK(close->close_code() == 4002);
}
