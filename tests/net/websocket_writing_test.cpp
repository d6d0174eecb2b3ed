#include <catch2/catch.hpp>

#include "web_fixture.hpp"

using namespace starling;
using namespace starling::net::test;
using namespace std::chrono_literals;

TEST_CASE("what is held leaves after the frame that releases it", "[websocket]") {
  server s;
  raw_client c{s.port()};
  c.upgrade("/ws?user=ann");
  c.next_text();
  auto sink = s.sessions.sink(0);
  sink->hold();
  sink->push(make_text_frame("second"), frame_kind::lasting);
  sink->push_now(make_text_frame("past the hold"));
  CHECK(c.next_text() == "past the hold");
  sink->release(make_text_frame("first"));
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
    s.writes().push(to, make_text_frame(std::to_string(n)), frame_kind::lasting);
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
  auto what = make_text_frame(std::string(32 * 1024, 'x'));
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
  CHECK(eventually([&] { return s.front().counts().drops[1] > 0; }));
}

TEST_CASE("frames that may be dropped are, from a half full outbox on, and counted", "[websocket]") {
  limits bounds;
  bounds.outbox_bytes = 256 * 1024;
  server s{bounds};
  raw_client slow{s.port(), 4096};
  slow.upgrade("/ws?user=slow");
  REQUIRE(eventually([&] { return s.sessions.count() == 1; }));
  auto sink = s.sessions.sink(0);
  auto what = make_text_frame(std::string(32 * 1024, 'x'));
  for (int n = 0; n < 1000 && s.front().counts().drops[0] == 0; ++n)
    sink->push(what, frame_kind::ephemeral);
  CHECK(eventually([&] { return s.front().counts().drops[0] > 0; }));
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
