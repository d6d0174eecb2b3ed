#include <catch2/catch.hpp>

#include <random>

#include "chat/log_cursor.hpp"

using namespace starling;

namespace {

log_entry entry(std::uint64_t epoch, seq_number seq) { return {{epoch, seq}, 0, "ann", ""}; }

std::vector<seq_number> numbers(const std::vector<log_cursor::step>& steps) {
  std::vector<seq_number> result;
  for (auto& s : steps)
    if (s.entry) result.push_back(s.entry->at.seq);
  return result;
}

using list = std::vector<seq_number>;

} // namespace

TEST_CASE("the next message passes, one seen before does not", "[log_cursor]") {
  log_cursor cursor({7, 3});
  CHECK(numbers(cursor.offer(entry(7, 4))) == list{4});
  CHECK(cursor.offer(entry(7, 4)).empty());
  CHECK(cursor.offer(entry(7, 2)).empty());
  CHECK(cursor.offer(entry(6, 9)).empty());
  CHECK_FALSE(cursor.behind());
}

TEST_CASE("what comes too early waits until the log has filled the hole", "[log_cursor]") {
  log_cursor cursor({7, 3});
  CHECK(cursor.offer(entry(7, 6)).empty());
  CHECK(cursor.behind());
  auto steps = cursor.fill({entry(7, 4), entry(7, 5)}, {7, 5}, true);
  CHECK(numbers(steps) == list{4, 5, 6});
  CHECK_FALSE(cursor.behind());
  CHECK(cursor.last() == log_position{7, 6});
}

TEST_CASE("a hole that the log cannot fill is told in its place", "[log_cursor]") {
  log_cursor cursor({7, 3});
  cursor.saw({7, 12});
  REQUIRE(cursor.behind());
  auto steps = cursor.fill({entry(7, 11), entry(7, 12)}, {7, 12}, true);
  REQUIRE(steps.size() == 2);
  REQUIRE(steps[0].gap);
  CHECK(steps[0].gap->from == 4);
  CHECK(steps[0].gap->to == 10);
  CHECK_FALSE(steps[1].gap);
}

TEST_CASE("a log that is further than what it holds leaves a gap at its end", "[log_cursor]") {
  log_cursor cursor({7, 3});
  cursor.saw({7, 5});
  auto steps = cursor.fill({}, {7, 5}, true);
  REQUIRE(steps.size() == 1);
  CHECK(steps[0].gap->from == 4);
  CHECK(steps[0].gap->to == 5);
  CHECK(cursor.last() == log_position{7, 5});
}

TEST_CASE("a newer epoch is told as a gap, empty if nothing is missing", "[log_cursor]") {
  log_cursor known({7, 100});
  known.offer(entry(8, 101));
  auto steps = known.fill({entry(8, 101)}, {8, 101}, true);
  REQUIRE(steps.size() == 1);
  CHECK(steps[0].gap->epoch == 8);
  CHECK(steps[0].gap->from == 101);
  CHECK(steps[0].gap->to == 100);

  log_cursor forgotten({7, 100});
  forgotten.saw({8, 2});
  steps = forgotten.fill({entry(8, 1), entry(8, 2)}, {8, 2}, true);
  REQUIRE(steps.size() == 2);
  CHECK(steps[0].gap->from == 1);
  CHECK(steps[0].gap->to == 0);
}

TEST_CASE("whatever is lost, doubled or late, members see one order without holes", "[log_cursor]") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    std::vector<log_entry> log;
    log_cursor cursor({1, 0});
    list seen;
    auto note = [&](const std::vector<log_cursor::step>& steps) {
      for (auto& s : steps) {
        CHECK_FALSE(s.gap);
        if (s.entry) seen.push_back(s.entry->at.seq);
      }
    };
    for (seq_number seq = 1; seq <= 300; ++seq) {
      log.push_back(entry(1, seq));
      if (random() % 4) note(cursor.offer(log.back()));
      if (random() % 5 == 0) note(cursor.offer(log[random() % log.size()]));
      if (cursor.behind() && random() % 3 == 0) {
        std::vector<log_entry> part(log.begin() + static_cast<std::ptrdiff_t>(cursor.last().seq), log.end());
        bool complete = part.size() <= 4;
        if (!complete) part.resize(4);
        note(cursor.fill(part, log.back().at, complete));
      }
    }
    cursor.saw(log.back().at);
    while (cursor.behind())
      note(cursor.fill({log.begin() + static_cast<std::ptrdiff_t>(cursor.last().seq), log.end()}, log.back().at, true));
    REQUIRE(seen.size() == 300);
    CHECK(std::is_sorted(seen.begin(), seen.end()));
  }
}
