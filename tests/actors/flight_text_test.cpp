#include "actors/flight_text.hpp"

#include <catch2/catch.hpp>

using namespace starling::flight_recorder;

TEST_CASE("texts for a handler of signals: times, numbers, and an end", "[flight]") {
  signal_text text;
  text.add_time(1'769'860'800'250).add(" ").add(std::uint64_t{0}).add("|").add(std::uint64_t{42}, 4);
  CHECK(text.view() == "2026-01-31T12:00:00.250Z 0|0042");
  CHECK(text.c_str()[text.size()] == '\0');
  signal_text full;
  full.add(std::string(2'000, 'x')).add("y");
  CHECK(full.size() < 2'000);
  CHECK(full.c_str()[full.size()] == '\0');
}

TEST_CASE("a process knows its own flight recorder's files", "[flight]") {
  CHECK(is_flight_file("flight-node-a-2026-01-31T12:00:00.250Z-4711.txt", "node-a"));
  CHECK_FALSE(is_flight_file("flight-node-a-b-2026-01-31T12:00:00.250Z-4711.txt", "node-a"));
  CHECK_FALSE(is_flight_file("flight-node-a-2026-01-31T12:00:00.250Z-.txt", "node-a"));
  CHECK_FALSE(is_flight_file("flight-node-a-2026-01-31T12:00:00.250Z-4711.txt.bak", "node-a"));
  CHECK_FALSE(is_flight_file("node-a.table", "node-a"));
}
