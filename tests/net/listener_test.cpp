#include <catch2/catch.hpp>

#include "web_fixture.hpp"

using namespace starling;
using namespace starling::net::test;
using namespace std::chrono_literals;

TEST_CASE("a full node refuses further connections until one ends", "[listener]") {
  limits bounds;
  bounds.connections = 2;
  server s{bounds};
  auto first = std::make_unique<raw_client>(s.port());
  first->upgrade();
  raw_client second{s.port()};
  second.upgrade();
  raw_client third{s.port()};
  auto answer = third.read_http();
  CHECK(has(answer, "HTTP/1.1 503"));
  CHECK(has(answer, "Retry-After: "));
  CHECK(third.ends());
  first.reset();
  REQUIRE(eventually([&] { return s.front().connections() == 1; }));
  raw_client fourth{s.port()};
  CHECK(has(fourth.upgrade(), "HTTP/1.1 101"));
}

TEST_CASE("a node that leaves says so to all its clients", "[listener]") {
  server s;
  std::vector<std::unique_ptr<raw_client>> all;
  for (int i = 0; i < 10; ++i) {
    all.push_back(std::make_unique<raw_client>(s.port()));
    all.back()->upgrade("/ws?user=ann");
    all.back()->next_text();
  }
  s.front().stop_accepting();
  s.front().close_all(close_code::going_away, "upgrade", 300ms);
  for (auto& one : all) {
    auto word = one->next_text();
    CHECK(has(word, "session.closing"));
    CHECK(has(word, "ws://127.0.0.1:1/ws"));
    auto close = one->next_close();
    REQUIRE(close);
    CHECK(close->close_code() == 1001);
    CHECK(close->close_reason() == "upgrade");
  }
}

TEST_CASE("a client that never answers a close is let go all the same", "[listener]") {
  server s;
  raw_client c{s.port()};
  c.upgrade("/ws?user=ann");
  c.next_text();
  s.sessions.sink(0)->close(close_code::done, "");
  s.sessions.forget();
  REQUIRE(c.next_close());
  CHECK(eventually([&] { return s.front().connections() == 0; }));
}

TEST_CASE("an address that cannot be bound is told in words", "[listener]") {
  server s;
  boost::asio::io_context threads;
  starling::net::flusher writes{threads};
  fake_gateway sessions;
  starling::net::listener_ports ports{sessions, writes, {}, {}, {}};
  starling::net::listener other{threads, ports, {}, {}};
  auto why = other.start("127.0.0.1:" + std::to_string(s.port()));
  CHECK(has(why, "cannot listen on 127.0.0.1:"));
  CHECK(has(other.start("nonsense"), "expected host:port"));
}
