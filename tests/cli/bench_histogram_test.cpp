#include "cli/bench/histogram.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

using starling::cli::histogram;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;

TEST_CASE("percentiles are never too low and at most 1/64 too high", "[bench]") {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> durations(13, 3);
  histogram counted;
  std::vector<std::int64_t> exact;
  for (int i = 0; i < 20'000; ++i) {
    exact.push_back(static_cast<std::int64_t>(durations(random)));
    counted.add(nanoseconds(exact.back()));
  }
  std::sort(exact.begin(), exact.end());
  for (double q : {0.001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(exact.size())));
    auto truth = exact[rank - 1];
    auto told = counted.percentile(q).count();
    CAPTURE(q, truth, told);
    CHECK(told >= truth);
    CHECK(static_cast<double>(told) <= static_cast<double>(truth) * (1 + 1.0 / 64));
  }
  CHECK(counted.max().count() == exact.back());
  CHECK(counted.count() == exact.size());
}

TEST_CASE("an empty histogram tells zero, and the largest duration has a place", "[bench]") {
  histogram counted;
  CHECK(counted.percentile(0.99) == 0ns);
  counted.add(-5ns);
  CHECK(counted.max() == 0ns);
  counted.add(nanoseconds::max());
  CHECK(counted.percentile(1) == nanoseconds::max());
  CHECK(counted.percentile(0.5) == 0ns);
}
