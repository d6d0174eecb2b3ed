#include "cli/bench/metrics.hpp"

#include <catch2/catch.hpp>

using namespace starling::cli;

TEST_CASE("publications are summed over shards and nodes", "[bench]") {
  const std::string page = "HTTP/1.1 200 OK\r\n\r\n"
                           "# HELP starling_redis_publications_total Publications that came. 7\n"
                           "# TYPE starling_redis_publications_total counter\n"
                           "starling_redis_publications_total{shard=\"s0\"} 1.5e+06\n"
                           "starling_redis_publications_total{shard=\"s1\"} 20\n"
                           "starling_publications_in_vain_total_of_others 9\n"
                           "starling_publications_in_vain_total 3\n";
  publication_counts sum;
  CHECK(add_publications(sum, page));
  CHECK(sum.read == 1'500'020);
  CHECK(sum.in_vain == 3);
  CHECK(add_publications(sum, page));
  CHECK(sum.in_vain == 6);
}

TEST_CASE("a page that does not tell of publications says nothing", "[bench]") {
  publication_counts sum;
  CHECK_FALSE(add_publications(sum, "HTTP/1.1 404 Not Found\r\n\r\nno such page\n"));
  CHECK_FALSE(add_publications(sum, "starling_redis_publications_total{shard=\"s0\"} 1\n"));
  CHECK_FALSE(add_publications(sum, "starling_publications_in_vain_total"));
}

TEST_CASE("a node that is not there is named, and nobody is asked of none", "[bench]") {
  metrics_probe none;
  CHECK(none.open({"127.0.0.1:1"}) == "127.0.0.1:1: Connection refused");
  CHECK_FALSE(none.look());
  CHECK(metrics_probe().open({}).empty());
  CHECK_FALSE(metrics_probe().look());
}
