#include <catch2/catch.hpp>

#include "net/deadlines.hpp"

using namespace starling;
using namespace std::chrono_literals;
using starling::net::deadlines;
using due = deadlines::due;

namespace {

// Both clocks, moved by the test.
struct clocks {
  deadlines::steady_time steady{1h};
  deadlines::system_time system{10000h};
  void pass(milliseconds time) {
    steady += time;
    system += time;
  }
};

} // namespace

TEST_CASE("a connection has its time to upgrade and to open", "[deadlines]") {
  timings times;
  clocks now;
  deadlines d{times, now.steady};
  auto first = d.look(now.steady, now.system);
  CHECK(first.what == due::nothing);
  CHECK(first.again == now.steady + times.open);
  now.pass(times.open);
  CHECK(d.look(now.steady, now.system).what == due::not_upgraded);
  d.upgraded();
  CHECK(d.look(now.steady, now.system).what == due::not_opened);
  d.opened({});
  CHECK(d.look(now.steady, now.system).what == due::nothing);
}

TEST_CASE("silence leads to one ping, and no answer to the end", "[deadlines]") {
  timings times;
  clocks now;
  deadlines d{times, now.steady};
  d.upgraded();
  d.opened({});
  d.heard(now.steady, 20s);
  CHECK(d.look(now.steady, now.system).again == now.steady + 20s);
  now.pass(20s);
  auto ping = d.look(now.steady, now.system);
  CHECK(ping.what == due::ping);
  CHECK(ping.again == now.steady + times.pong);
  CHECK(d.look(now.steady, now.system).what == due::nothing);
  SECTION("an answer starts anew") {
    d.heard(now.steady, 20s);
    now.pass(times.pong);
    CHECK(d.look(now.steady, now.system).what == due::nothing);
  }
  SECTION("no answer ends it") {
    now.pass(times.pong);
    CHECK(d.look(now.steady, now.system).what == due::no_answer);
  }
  SECTION("who is not read is not blamed for silence") {
    d.pause(true);
    now.pass(times.pong);
    CHECK(d.look(now.steady, now.system).what == due::nothing);
  }
}

TEST_CASE("a token's end is announced once, and a renewal moves both", "[deadlines]") {
  timings times;
  clocks now;
  deadlines d{times, now.steady};
  d.opened(now.system + 5min);
  auto first = d.look(now.steady, now.system);
  CHECK(first.what == due::nothing);
  CHECK(first.again <= now.steady + 4min + 1ms);
  now.pass(4min + 1ms);
  CHECK(d.look(now.steady, now.system).what == due::warn);
  CHECK(d.look(now.steady, now.system).what == due::nothing);
  SECTION("renewed") {
    d.opened(now.system + 5min);
    now.pass(1min);
    CHECK(d.look(now.steady, now.system).what == due::nothing);
    now.pass(3min + 1ms);
    CHECK(d.look(now.steady, now.system).what == due::warn);
  }
  SECTION("not renewed") {
    now.pass(1min);
    CHECK(d.look(now.steady, now.system).what == due::token_expired);
  }
}

TEST_CASE("a ping and a warning that are due together both come", "[deadlines]") {
  timings times;
  clocks now;
  deadlines d{times, now.steady};
  d.upgraded();
  d.opened(now.system + 30s);
  d.heard(now.steady, 0ms);
  auto first = d.look(now.steady, now.system);
  CHECK(first.what == due::warn);
  CHECK(first.again == now.steady);
  CHECK(d.look(now.steady, now.system).what == due::ping);
}

TEST_CASE("a token that lasts for centuries overflows nothing", "[deadlines]") {
  timings times;
  clocks now;
  deadlines d{times, now.steady};
  d.opened(deadlines::system_time::max());
  auto first = d.look(now.steady, now.system);
  CHECK(first.what == due::nothing);
  CHECK(first.again == now.steady + 1h);
}

TEST_CASE("an end that takes too long is cut", "[deadlines]") {
  timings times;
  clocks now;
  deadlines d{times, now.steady};
  d.leave_at(now.steady + 1s);
  now.pass(1s);
  CHECK(d.look(now.steady, now.system).what == due::leave);
  d.end_by(now.steady + 5s);
  d.end_by(now.steady + 50s);
  CHECK(d.look(now.steady, now.system).what == due::nothing);
  now.pass(5s);
  CHECK(d.look(now.steady, now.system).what == due::shut);
}
