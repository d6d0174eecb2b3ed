#include "net/latency_histogram.hpp"

#include <thread>

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <prometheus/metric_family.h>

#include "net/loop_probe.hpp"

using namespace starling::net;

TEST_CASE("every time falls below its bucket's bound, by a quarter at most", "[latency]") {
  for (std::uint64_t us : {0, 1, 15, 16, 17, 20, 31, 32, 100, 999, 1'000, 65'535, 1'000'000, 16'000'000}) {
    auto bound = latency_histogram::bound_us(latency_histogram::index_of(us));
    CHECK(bound > us);
    if (us >= 16) CHECK(static_cast<double>(bound) <= static_cast<double>(us) * 1.25);
  }
  CHECK(latency_histogram::index_of(~std::uint64_t{0}) == latency_histogram::bucket_count - 1);
  for (std::size_t i = 1; i < latency_histogram::bucket_count; ++i)
    CHECK(latency_histogram::bound_us(i) > latency_histogram::bound_us(i - 1));
}

TEST_CASE("quantiles are read from the counts", "[latency]") {
  latency_histogram all;
  CHECK(quantile_us(all.counts(), 0.5) == 0);
  for (int i = 0; i < 98; ++i)
    all.add(100);
  all.add(50'000);
  all.add(50'000);
  auto p50 = quantile_us(all.counts(), 0.5), p99 = quantile_us(all.counts(), 0.99);
  CHECK((p50 > 100 && p50 <= 125));
  CHECK((p99 > 50'000 && p99 <= 62'500));
}

TEST_CASE("a loop that is held up shows how late it is", "[loop_probe]") {
  boost::asio::io_context io;
  auto probe = std::make_shared<loop_probe>(io);
  probe->start();
  io.run_one();
  CHECK(probe->last() < std::chrono::seconds(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(250)); // the loop is what sleeps here
  io.run_one();
  CHECK(probe->last() >= std::chrono::milliseconds(100));
  CHECK(probe->longest() >= probe->last());
  CHECK(probe->Collect().size() == 2);
  probe->stop();
  io.run(); // ends
}
