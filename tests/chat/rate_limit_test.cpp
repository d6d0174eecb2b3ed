#include "chat/rate_limit.hpp"

#include <catch2/catch.hpp>

using namespace starling;
using namespace std::chrono_literals;

namespace {

const token_bucket::time_point start{1h};

static_assert(sizeof(token_bucket) <= 40); // every connection has one

/// Asks `count` times at even distances for `duration`; returns how many passed.
int ask(token_bucket& bucket, token_bucket::time_point from, std::chrono::nanoseconds duration, int count) {
  int passed = 0;
  for (int i = 0; i < count; ++i)
    if (!bucket.take(from + duration * i / count)) ++passed;
  return passed;
}

} // namespace

TEST_CASE("a bucket lets a burst pass at once, and then no more", "[rate_limit]") {
  token_bucket bucket(50, 100);
  CHECK(ask(bucket, start, 0s, 100) == 100);
  CHECK(bucket.take(start) == 20ms);
  CHECK(ask(bucket, start, 0s, 100) == 0);
}

TEST_CASE("a bucket lets the rate pass for as long as it is kept", "[rate_limit]") {
  token_bucket bucket(50, 1);
  CHECK(ask(bucket, start, 60s, 60 * 50) == 60 * 50);
  CHECK(bucket.refusals() == 0);
}

TEST_CASE("a bucket fills no higher than its burst", "[rate_limit]") {
  token_bucket bucket(50, 100);
  ask(bucket, start, 0s, 100);
  CHECK(ask(bucket, start + 1h, 0s, 1000) == 100);
}

TEST_CASE("what is refused passes after the wait that was told", "[rate_limit]") {
  for (double rate : {0.001, 0.3, 1.0, 3.0, 7.0, 50.0, 333.0, 999.0, 100'000.0}) {
    INFO(rate << " a second");
    token_bucket bucket(rate, 3);
    auto now = start;
    for (int i = 0; i < 1000; ++i) {
      if (auto wait = bucket.take(now)) {
        REQUIRE(*wait >= 1ms);
        now += *wait;
        REQUIRE_FALSE(bucket.take(now));
      }
    }
  }
}

TEST_CASE("a wait is not longer than needed", "[rate_limit]") {
  token_bucket bucket(50, 1);
  CHECK_FALSE(bucket.take(start));
  CHECK(bucket.take(start + 15ms) == 5ms);
  CHECK(bucket.take(start + 19ms) == 1ms);
  CHECK_FALSE(bucket.take(start + 20ms));
}

TEST_CASE("waits stay within an hour, however slow the rate", "[rate_limit]") {
  token_bucket bucket(1e-9, 1);
  CHECK_FALSE(bucket.take(start));
  CHECK(bucket.take(start) == 1h);
}

TEST_CASE("a burst below one counts as one", "[rate_limit]") {
  token_bucket bucket(1, 0.5);
  CHECK_FALSE(bucket.take(start));
  CHECK(bucket.take(start));
}

TEST_CASE("a clock that steps back gives nothing and takes nothing", "[rate_limit]") {
  token_bucket bucket(50, 1);
  CHECK_FALSE(bucket.take(start));
  CHECK(bucket.take(start - 1s));
  CHECK(bucket.take(start + 10ms) == 10ms);
  CHECK_FALSE(bucket.take(start + 20ms));
}

TEST_CASE("a flood's refusals add up although some of it passes", "[rate_limit]") {
  token_bucket bucket(50, 100);
  auto passed = ask(bucket, start, 10s, 5000); // ten times the rate
  CHECK(passed == Approx(600).margin(2));
  CHECK(bucket.refusals() > 3500);
}

TEST_CASE("refusals of a client that is a little too fast do not add up", "[rate_limit]") {
  token_bucket bucket(50, 100);
  ask(bucket, start, 600s, 600 * 55);
  CHECK(bucket.refusals() <= 1);
}

TEST_CASE("refusals of a client that waits as it is told do not add up", "[rate_limit]") {
  token_bucket bucket(50, 100);
  auto now = start;
  for (int i = 0; i < 10'000; ++i)
    if (auto wait = bucket.take(now)) now += *wait;
  CHECK(bucket.refusals() <= 1);
}

TEST_CASE("a rest that fills the bucket forgives all refusals", "[rate_limit]") {
  token_bucket bucket(50, 100);
  ask(bucket, start, 0s, 300);
  CHECK(bucket.refusals() == 200);
  CHECK_FALSE(bucket.take(start + 1s)); // half full
  CHECK(bucket.refusals() == 199);
  CHECK_FALSE(bucket.take(start + 4s));
  CHECK(bucket.refusals() == 0);
}
