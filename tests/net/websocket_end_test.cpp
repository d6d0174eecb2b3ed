#include <atomic>

#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "web_fixture.hpp"

using namespace starling;
using namespace starling::net::test;
using namespace std::chrono_literals;

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
  late->push(make_text_frame("late"), frame_kind::lasting);
  CHECK(eventually([&] { return s.front().counts().drops[2] == 1; }));
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
      auto what = make_text_frame(std::string(200, 'x'));
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
