#include "chat/units.hpp"

#include <catch2/catch.hpp>

using namespace starling;
using namespace std::chrono_literals;

TEST_CASE("a duration is a number and its unit", "[units]") {
  CHECK(parse_duration("500ms") == 500ms);
  CHECK(parse_duration("10s") == 10s);
  CHECK(parse_duration("2m") == 2min);
  CHECK(parse_duration("1h") == 1h);
  CHECK(parse_duration("7d") == 168h);
  CHECK(parse_duration("0s") == 0s);
  for (const char* bad : {"", "5", "s", "-1s", "+1s", "1.5s", "1 s", " 1s", "1s ", "1S", "1min",
                          "99999999999999999999s", "9223372036854775807d"}) {
    CHECK_FALSE(parse_duration(bad));
  }
}

TEST_CASE("a duration is written in the largest unit that holds it", "[units]") {
  CHECK(format_duration(0ms) == "0s");
  CHECK(format_duration(1500ms) == "1500ms");
  CHECK(format_duration(60s) == "1m");
  CHECK(format_duration(90s) == "90s");
  CHECK(format_duration(24h) == "1d");
  CHECK(format_duration(-5ms) == "-5ms");
}

TEST_CASE("a size is a number of bytes, with or without a unit", "[units]") {
  CHECK(parse_size("65536") == 65536);
  CHECK(parse_size("64KiB") == 65536);
  CHECK(parse_size("1MiB") == 1048576);
  CHECK(parse_size("2GiB") == 2147483648);
  for (const char* bad :
       {"", "KiB", "-1", "1KB", "1kib", "1.5MiB", "1 KiB", "99999999999999999999", "9223372036854775807GiB"}) {
    CHECK_FALSE(parse_size(bad));
  }
  CHECK(format_size(65536) == "64KiB");
  CHECK(format_size(1000) == "1000");
  CHECK(format_size(0) == "0");
}
