#include "cli/console/moment.hpp"

#include <cstdlib>

#include <catch2/catch.hpp>

using namespace starling::cli;

TEST_CASE("a moment is said by how long ago it was, or by its time", "[console]") {
  CHECK(parse_moment("2026-01-31T12:00:00Z") == 1'769'860'800'000);
  CHECK(parse_moment("2026-01-31T12:00:00.250Z") == 1'769'860'800'250);
  CHECK(moment_text(1'769'860'800'250) == "2026-01-31T12:00:00.250Z");
  auto ago = parse_moment("10m");
  REQUIRE(ago);
  CHECK(std::abs(now_unix_ms() - 600'000 - *ago) < 5'000);
  for (auto* bad : {"", "10", "yesterday", "2026-02-31T12:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T12:00:00",
                    "2026-01-31T12:00:00.250", "2026-01-31T12:00:00.25xZ"})
    CHECK_FALSE(parse_moment(bad));
}
