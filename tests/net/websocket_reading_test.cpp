#include <catch2/catch.hpp>

#include "web_fixture.hpp"

using namespace starling;
using namespace starling::net::test;
using namespace std::chrono_literals;

TEST_CASE("a silent client is pinged, and closed if it does not answer", "[websocket]") {
  timings times;
  times.ping = 200ms;
  times.pong = 300ms;
  server s{{}, times};
  raw_client c{s.port()};
  c.upgrade("/ws?user=ann");
  c.next_text();
  for (int i = 0; i < 3; ++i) {
    auto got = c.next();
    REQUIRE(got);
    CHECK(got->opcode == 9);
    c.send_frame(10, got->payload);
  }
  CHECK(c.next()->opcode == 9);
  CHECK(c.next_close());
  CHECK(eventually([&] { return s.sessions.ends(0) == 1; }));
}

TEST_CASE("a client's ping is answered in the order of the other frames", "[websocket]") {
  server s;
  raw_client c{s.port()};
  c.upgrade("/ws?user=ann");
  c.next_text();
  s.sessions.sink(0)->push(make_text_frame("before"), frame_kind::lasting);
  CHECK(c.next_text() == "before");
  c.send_frame(9, "hey");
  auto pong = c.next();
  REQUIRE(pong);
  CHECK(pong->opcode == 10);
  CHECK(pong->payload == "hey");
}

TEST_CASE("a frame that is too big closes with 1009", "[websocket]") {
  server s;
  raw_client c{s.port()};
  c.upgrade("/ws?user=ann");
  c.next_text();
  c.send_text(std::string(70'000, ' '));
  auto close = c.next_close();
  REQUIRE(close);
  CHECK(close->close_code() == 1009);
  CHECK(eventually([&] { return s.sessions.ends(0) == 1; }));
}

TEST_CASE("text that is not UTF-8 closes with 1007", "[websocket]") {
  server s;
  raw_client c{s.port()};
  c.upgrade("/ws?user=ann");
  c.send_text("\"\xc3\x28\"");
  auto close = c.next_close();
  REQUIRE(close);
  CHECK(close->close_code() == 1007);
}

TEST_CASE("a binary frame closes with 1008", "[websocket]") {
  server s;
  raw_client c{s.port()};
  c.upgrade("/ws?user=ann");
  c.send_frame(2, "x");
  auto close = c.next_close();
  REQUIRE(close);
  CHECK(close->close_code() == 1008);
  CHECK(close->close_reason() == "text frames only");
}

TEST_CASE("a message may come in fragments with a ping between them", "[websocket]") {
  server s;
  raw_client c{s.port()};
  c.upgrade("/ws?user=ann");
  c.next_text();
  c.send_frame(1, R"({"jsonrpc":"2.0","id":1,)", false);
  c.send_frame(9, "p");
  c.send_frame(0, R"("method":"room.list",)", false);
  c.send_frame(0, R"("params":{}})", true);
  CHECK(c.next()->opcode == 10);
  CHECK(has(c.next_text(), "\"id\":1"));
}

TEST_CASE("frames that come with the upgrade request are read", "[websocket]") {
  server s;
  raw_client c{s.port()};
  std::string behind;
  for (int i = 1; i <= 20; ++i) {
    behind += raw_client::masked_frame(1, R"({"jsonrpc":"2.0","id":)" + std::to_string(i) + R"(,"method":"ping"})");
  }
  c.upgrade("/ws", {}, behind);
  for (int i = 1; i <= 20; ++i)
    CHECK(has(c.next_text(), "\"id\":" + std::to_string(i)));
}
