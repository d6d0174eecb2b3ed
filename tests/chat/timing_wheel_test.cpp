#include "chat/timing_wheel.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <random>

#include <catch2/catch.hpp>

using namespace starling;
using namespace std::chrono_literals;

namespace {

std::vector<int> sweep(timing_wheel<int>& wheel, std::chrono::milliseconds elapsed) {
  std::vector<int> result;
  wheel.advance(elapsed, [&](int x) { result.push_back(x); });
  std::sort(result.begin(), result.end());
  return result;
}

using ints = std::vector<int>;

} // namespace

TEST_CASE("a wheel gives entries back when their delay has passed", "[timing_wheel]") {
  timing_wheel<int> wheel(100ms, 8);
  wheel.schedule(1, 100ms);
  wheel.schedule(3, 300ms);
  wheel.schedule(2, 200ms);
  CHECK(wheel.size() == 3);
  CHECK(sweep(wheel, 100ms) == ints{1});
  CHECK(sweep(wheel, 200ms) == ints{2, 3});
  CHECK(wheel.size() == 0);
  CHECK(sweep(wheel, 10s).empty());
}

TEST_CASE("a delay is rounded up to a tick", "[timing_wheel]") {
  timing_wheel<int> wheel(100ms, 8);
  wheel.schedule(0, 0ms);
  wheel.schedule(1, -5s);
  wheel.schedule(2, 101ms);
  CHECK(sweep(wheel, 99ms).empty());
  CHECK(sweep(wheel, 1ms) == ints{0, 1});
  CHECK(sweep(wheel, 99ms).empty());
  CHECK(sweep(wheel, 1ms) == ints{2});
}

TEST_CASE("time between ticks is not lost", "[timing_wheel]") {
  timing_wheel<int> wheel(100ms, 8);
  CHECK(sweep(wheel, 70ms).empty());
  wheel.schedule(1, 100ms); // due at 170: in the tick of 200
  CHECK(sweep(wheel, 70ms).empty());
  CHECK(sweep(wheel, 60ms) == ints{1});
}

TEST_CASE("delays may be longer than a turn of the wheel", "[timing_wheel]") {
  timing_wheel<int> wheel(100ms, 8);
  wheel.schedule(1, 100ms);
  wheel.schedule(2, 900ms); // the same slot
  wheel.schedule(3, 1700ms);
  CHECK(sweep(wheel, 800ms) == ints{1});
  CHECK(sweep(wheel, 800ms) == ints{2});
  CHECK(sweep(wheel, 100ms) == ints{3});
}

TEST_CASE("after a long pause all that is due comes at once", "[timing_wheel]") {
  timing_wheel<int> wheel(100ms, 8);
  for (int i = 0; i < 20; ++i)
    wheel.schedule(i, i * 100ms);
  wheel.schedule(20, 24h * 365);
  CHECK(sweep(wheel, 24h * 364).size() == 20);
  CHECK(sweep(wheel, 24h) == ints{20});
}

TEST_CASE("what an expiry schedules counts from the end of the sweep", "[timing_wheel]") {
  timing_wheel<int> wheel(100ms, 8);
  wheel.schedule(1, 100ms);
  int expiries = 0;
  auto again = [&](int x) {
    ++expiries;
    wheel.schedule(x, 800ms); // the same slot, or one still to be swept
  };
  wheel.advance(100ms, again);
  CHECK(expiries == 1);
  wheel.advance(700ms, again);
  CHECK(expiries == 1);
  wheel.advance(60s, again); // once, not once for each turn that was missed
  CHECK(expiries == 2);
  CHECK(wheel.size() == 1);
}

TEST_CASE("times beyond all bounds are cut, not wrapped", "[timing_wheel]") {
  timing_wheel<int> wheel(1ms, 8);
  wheel.schedule(1, std::chrono::milliseconds::max());
  CHECK(sweep(wheel, 24h).empty());
  CHECK(sweep(wheel, std::chrono::milliseconds::max()) == ints{1});
}

TEST_CASE("ticks wrap around without notice", "[timing_wheel]") {
  timing_wheel<int> wheel(1ms, 5);
  for (int i = 0; i < 2; ++i)
    sweep(wheel, std::chrono::milliseconds(INT32_MAX - 1)); // four ticks before 2^32
  for (int i = 1; i <= 20; ++i)
    wheel.schedule(i, std::chrono::milliseconds(i));
  for (int i = 1; i <= 20; ++i)
    CHECK(sweep(wheel, 1ms) == ints{i});
}

TEST_CASE("a wheel holds what can only be moved, and lets it go", "[timing_wheel]") {
  timing_wheel<std::unique_ptr<int>> wheel(100ms, 4);
  wheel.schedule(std::make_unique<int>(7), 100ms);
  wheel.schedule(std::make_unique<int>(8), 10min);
  int seen = 0;
  wheel.advance(100ms, [&](std::unique_ptr<int> x) { seen = *x; });
  CHECK(seen == 7);
}

TEST_CASE("a wheel takes 16 bytes for a pointer, uses them again, and gives them back", "[timing_wheel]") {
  timing_wheel<const int*> wheel(100ms, 64);
  CHECK(wheel.heap_bytes() == 0);
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 1000; ++i)
      wheel.schedule(nullptr, 100ms * (round + i % 2));
    wheel.advance(100ms, [](const int*) {});
    CHECK(wheel.heap_bytes() >= wheel.size() * 16);
    CHECK(wheel.heap_bytes() <= 8192 * 16);
  }
  wheel.advance(10s, [](const int*) {});
  CHECK(wheel.size() == 0);
  CHECK(wheel.heap_bytes() == 0);
}

TEST_CASE("each entry comes once, neither early nor more than a tick late", "[timing_wheel][property]") {
  auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  timing_wheel<int> wheel(10ms, 1 + random() % 100);
  std::map<int, std::int64_t> due;
  std::int64_t now = 0;
  int next = 0;
  auto schedule = [&] {
    auto delay = static_cast<std::int64_t>(random() % 3000);
    due[next] = now + delay;
    wheel.schedule(next++, std::chrono::milliseconds(delay));
  };
  for (int step = 0; step < 5000; ++step) {
    for (auto n = random() % 5; n > 0; --n)
      schedule();
    auto elapsed = static_cast<std::int64_t>(random() % (step % 100 == 0 ? 5000 : 30));
    now += elapsed;
    wheel.advance(std::chrono::milliseconds(elapsed), [&](int x) {
      REQUIRE(due.count(x) == 1);
      REQUIRE(due[x] <= now);
      due.erase(x);
      if (random() % 4 == 0) schedule();
    });
    REQUIRE(wheel.size() == due.size());
    for (auto [x, at] : due)
      REQUIRE(at > now - 10);
  }
}
