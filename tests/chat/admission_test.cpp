#include "chat/admission.hpp"

#include <algorithm>
#include <queue>
#include <vector>

#include <catch2/catch.hpp>

using namespace starling;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

const admission::time_point start{1h};

/// All who are put off when `count` clients come at `now`.
std::vector<milliseconds> come(admission& door, int count, admission::time_point now) {
  std::vector<milliseconds> hints;
  for (int i = 0; i < count; ++i)
    if (auto away = door.put_off(now)) hints.push_back(*away);
  return hints;
}

struct outcome {
  milliseconds last{0}; // when the last is in
  int put_off = 0;
};

/// `count` clients come within a second, and come back as they are told, each a little later.
outcome storm(double rate, double burst, int count) {
  admission door(rate, burst, 1);
  std::priority_queue<admission::time_point, std::vector<admission::time_point>, std::greater<>> due;
  for (int i = 0; i < count; ++i)
    due.push(start + i * 1'000'000us / count);
  outcome result;
  for (int late = 0; !due.empty(); late = (late + 7) % 30) {
    auto now = due.top();
    due.pop();
    auto away = door.put_off(now);
    result.put_off += away.has_value();
    result.last = std::chrono::duration_cast<milliseconds>(now - start);
    if (away) due.push(now + *away + milliseconds(late));
  }
  return result;
}

} // namespace

TEST_CASE("a burst is let in, and one more is told to come back in a moment", "[admission]") {
  admission door(500, 100, 1);
  CHECK(come(door, 100, start).empty());
  CHECK(door.put_off(start) == admission::soonest + 2ms);
}

TEST_CASE("who is put off comes back spread evenly over the time that the node needs", "[admission]") {
  admission door(500, 500, 1);
  auto hints = come(door, 500 + 1000, start);
  REQUIRE(hints.size() == 1000);
  CHECK(std::is_sorted(hints.begin(), hints.end())); // first come, first served
  CHECK(hints.back() == admission::soonest + 2s);
  for (int tenth = 0; tenth < 10; ++tenth) {
    auto from = admission::soonest + tenth * 200ms;
    auto here = std::count_if(hints.begin(), hints.end(), [&](auto h) { return h > from && h <= from + 200ms; });
    CHECK(here == 100);
  }
}

TEST_CASE("who comes back when told is let in", "[admission]") {
  auto [last, put_off] = storm(500, 500, 3000);
  CHECK(put_off <= 3000 - 500);
  CHECK(last <= 5s + 2 * admission::soonest);
}

TEST_CASE("a line that is too long is cut, and everybody is let in all the same", "[admission]") {
  auto [last, put_off] = storm(100, 100, 10'000);
  CHECK(last > 90s);
  CHECK(last < 110s);
  CHECK(put_off < 3 * 10'000);
}

TEST_CASE("nobody is told to stay away for long", "[admission]") {
  for (double rate : {0.1, 1.0, 100.0}) {
    admission door(rate, 1, 1);
    auto hints = come(door, 20'000, start);
    auto [least, most] = std::minmax_element(hints.begin(), hints.end());
    CHECK(*least >= admission::soonest);
    CHECK(*most <= admission::latest);
    // Those for whom the line is too long do not come back in one moment either.
    std::sort(hints.begin(), hints.end());
    CHECK(hints[hints.size() / 4] < admission::latest * 7 / 10);
  }
}

TEST_CASE("the line is forgotten as fast as it moves", "[admission]") {
  admission door(100, 1, 1);
  come(door, 1 + 500, start);                      // five seconds of clients, who never come back
  CHECK(come(door, 2, start + 4s).back() > 900ms); // one is let in, the other is behind a hundred
  CHECK(come(door, 2, start + 6s).back() < 200ms); // all are past their turn
  CHECK(come(door, 2, start + 5s).back() < 300ms); // a clock that was read earlier changes nothing
}
