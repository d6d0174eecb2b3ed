#include <catch2/catch.hpp>

#include <atomic>

#include <sys/socket.h>

#include "web_fixture.hpp"

using namespace starling;
using namespace starling::net::test;
using namespace std::chrono_literals;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

frame text_frame(const std::string& text) { return make_text_frame(text); }

} // namespace

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
  s.sessions.sink(0)->push(text_frame("before"), frame_kind::lasting);
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

TEST_CASE("what is held leaves after the frame that releases it", "[websocket]") {
  server s;
  raw_client c{s.port()};
  c.upgrade("/ws?user=ann");
  c.next_text();
  auto sink = s.sessions.sink(0);
  sink->hold();
  sink->push(text_frame("second"), frame_kind::lasting);
  sink->push_now(text_frame("past the hold"));
  CHECK(c.next_text() == "past the hold");
  sink->release(text_frame("first"));
  CHECK(c.next_text() == "first");
  CHECK(c.next_text() == "second");
}

TEST_CASE("a frame for many arrives at each, in order", "[websocket]") {
  server s;
  constexpr std::size_t clients = 100;
  constexpr int frames = 50;
  std::vector<std::unique_ptr<raw_client>> all;
  for (std::size_t i = 0; i < clients; ++i) {
    all.push_back(std::make_unique<raw_client>(s.port()));
    all.back()->upgrade("/ws?user=u" + std::to_string(i));
    all.back()->next_text();
  }
  std::vector<std::shared_ptr<client>> sinks;
  std::vector<client*> to;
  for (std::size_t i = 0; i < clients; ++i) {
    sinks.push_back(s.sessions.sink(i));
    to.push_back(sinks.back().get());
  }
  for (int n = 0; n < frames; ++n)
    s.writes().push(to, text_frame(std::to_string(n)), frame_kind::lasting);
  for (auto& one : all) {
    for (int n = 0; n < frames; ++n)
      REQUIRE(one->next_text() == std::to_string(n));
  }
}

TEST_CASE("a client that reads too slowly is closed while another is unharmed", "[websocket]") {
  limits bounds;
  bounds.outbox_bytes = 256 * 1024;
  server s{bounds};
  raw_client slow{s.port(), 4096};
  slow.upgrade("/ws?user=slow");
  REQUIRE(eventually([&] { return s.sessions.count() == 1; })); // so that it is the first
  raw_client quick{s.port()};
  quick.upgrade("/ws?user=quick");
  quick.next_text();
  REQUIRE(eventually([&] { return s.sessions.count() == 2; }));
  auto first = s.sessions.sink(0);
  auto second = s.sessions.sink(1);
  auto what = text_frame(std::string(32 * 1024, 'x'));
  // The kernel takes some megabytes before the outbox fills.
  for (int n = 0; n < 1000 && s.sessions.ends(0) == 0; ++n) {
    s.writes().push({first.get(), second.get()}, what, frame_kind::lasting);
    REQUIRE(quick.next_text().size() == 32 * 1024);
  }
  REQUIRE(eventually([&] { return s.sessions.ends(0) == 1; }));
  auto close = slow.next_close();
  REQUIRE(close);
  CHECK(close->close_code() == 4008);
  CHECK(s.sessions.ends(1) == 0);
  CHECK(s.front().counts().drops[1] > 0);
}

TEST_CASE("frames that may be dropped are, from a half full outbox on, and counted", "[websocket]") {
  limits bounds;
  bounds.outbox_bytes = 256 * 1024;
  server s{bounds};
  raw_client slow{s.port(), 4096};
  slow.upgrade("/ws?user=slow");
  REQUIRE(eventually([&] { return s.sessions.count() == 1; }));
  auto sink = s.sessions.sink(0);
  auto what = text_frame(std::string(32 * 1024, 'x'));
  for (int n = 0; n < 1000 && s.front().counts().drops[0] == 0; ++n)
    sink->push(what, frame_kind::ephemeral);
  CHECK(s.front().counts().drops[0] > 0);
  CHECK(s.sessions.ends(0) == 0);
}

TEST_CASE("a session that has enough to do stops the reading until it says so", "[websocket]") {
  server s;
  s.sessions.keep = true;
  raw_client c{s.port()};
  c.upgrade("/ws?user=ann");
  c.next_text();
  for (int i = 0; i < 3; ++i)
    c.send_text(R"({"jsonrpc":"2.0","id":1,"method":"room.list","params":{}})");
  REQUIRE(eventually([&] { return s.sessions.seen(0) == 1; }));
  s.sessions.sink(0)->resume_reading();
  REQUIRE(eventually([&] { return s.sessions.seen(0) == 2; }));
  CHECK(s.sessions.seen(0) == 2);
  s.sessions.sink(0)->resume_reading();
  REQUIRE(eventually([&] { return s.sessions.seen(0) == 3; }));
}

TEST_CASE("a connection is closed with the code that its session gives", "[websocket]") {
  auto [given, code] = GENERATE(table<close_code, std::uint16_t>(
      {{close_code::internal, 1011}, {close_code::removed, 4009}, {close_code::overloaded, 4013}}));
  server s;
  s.sessions.keep = true;
  raw_client c{s.port()};
  c.upgrade("/ws?user=ann");
  c.next_text();
  s.sessions.sink(0)->close(given, "for this reason");
  auto closing = c.next_text();
  CHECK(has(closing, "session.closing"));
  CHECK(has(closing, "for this reason"));
  auto close = c.next_close();
  REQUIRE(close);
  CHECK(close->close_code() == code);
  c.send_frame(8, close->payload);
  CHECK(c.ends());
}

TEST_CASE("a paused connection can be closed", "[websocket]") {
  server s;
  s.sessions.keep = true;
  raw_client c{s.port()};
  c.upgrade("/ws?user=ann");
  c.next_text();
  c.send_text(R"({"jsonrpc":"2.0","id":1,"method":"room.list","params":{}})");
  REQUIRE(eventually([&] { return s.sessions.seen(0) == 1; }));
  s.sessions.sink(0)->close(close_code::removed, "by an operator");
  CHECK(has(c.next_text(), "session.closing"));
  auto close = c.next_close();
  REQUIRE(close);
  CHECK(close->close_code() == 4009);
  c.send_frame(8, close->payload);
  CHECK(c.ends());
  CHECK(eventually([&] { return s.sessions.ends(0) == 1; }));
}

TEST_CASE("a session learns once that its connection has ended, however it ended", "[websocket]") {
  server s;
  raw_client polite{s.port()};
  polite.upgrade("/ws?user=a");
  polite.next_text();
  raw_client cut{s.port()};
  cut.upgrade("/ws?user=b");
  cut.next_text();
  raw_client rude{s.port()};
  rude.upgrade("/ws?user=c");
  rude.next_text();
  polite.send_frame(8, std::string("\x03\xe8", 2));
  auto echo = polite.next_close();
  REQUIRE(echo);
  CHECK(echo->close_code() == 1000);
  CHECK(polite.ends());
  ::shutdown(cut.descriptor(), SHUT_WR);
  rude.reset();
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(eventually([&] { return s.sessions.ends(i) == 1; }));
  auto late = s.sessions.sink(2);
  late->push(text_frame("late"), frame_kind::lasting);
  CHECK(s.front().counts().drops[2] == 1);
  s.sessions.forget();
  late.reset();
  CHECK(eventually([&] { return s.front().connections() == 1; })); // `polite` has not closed yet
}

TEST_CASE("connections may end while many threads push to them", "[websocket]") {
  server s;
  std::atomic<bool> done = false;
  std::vector<std::thread> pushers;
  for (int i = 0; i < 2; ++i) {
    pushers.emplace_back([&] {
      auto what = text_frame(std::string(200, 'x'));
      while (!done) {
        std::vector<std::shared_ptr<client>> sinks;
        std::vector<client*> to;
        auto count = s.sessions.count();
        for (std::size_t n = count > 20 ? count - 20 : 0; n < count; ++n) {
          sinks.push_back(s.sessions.sink(n));
          to.push_back(sinks.back().get());
        }
        s.writes().push(to, what, frame_kind::lasting);
      }
    });
  }
  for (int n = 0; n < 200; ++n) {
    raw_client c{s.port()};
    c.upgrade("/ws?user=u");
    c.next_text();
    if (n % 3 == 0) c.reset();
    if (n % 3 == 1) {
      c.send_frame(8, std::string("\x03\xe8", 2));
      c.next_close();
    }
  }
  done = true;
  for (auto& one : pushers)
    one.join();
  for (std::size_t i = 0; i < 200; ++i)
    CHECK(eventually([&] { return s.sessions.ends(i) == 1; }));
}
