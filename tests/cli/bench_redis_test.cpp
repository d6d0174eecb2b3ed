#include "cli/bench/redis.hpp"

#include <catch2/catch.hpp>

using namespace starling::cli;

TEST_CASE("calls are read by command, and summed over instances", "[bench]") {
  command_calls calls;
  add_command_calls(calls, "# Commandstats\r\n"
                           "cmdstat_evalsha:calls=10,usec=5,usec_per_call=0.50,rejected_calls=3,failed_calls=1\r\n"
                           "cmdstat_client|list:calls=2,usec=1,usec_per_call=0.50,rejected_calls=0,failed_calls=0\r\n");
  add_command_calls(calls, "# Commandstats\r\ncmdstat_evalsha:calls=5,usec=1\r\n");
  CHECK(calls == command_calls{{"evalsha", 15}, {"client|list", 2}});
  add_command_calls(calls, "# Commandstats\r\n");
  CHECK(calls.size() == 2);
}

TEST_CASE("what scripts run is told apart from what clients send", "[bench]") {
  command_calls before{{"evalsha", 10}, {"publish", 4}, {"xadd", 4}, {"info", 1}, {"ping", 7}};
  command_calls after{{"evalsha", 20}, {"publish", 13},  {"xadd", 13},         {"info", 2},
                      {"ping", 8},     {"subscribe", 3}, {"client|setinfo", 2}};
  auto work = work_between(before, after);
  CHECK(work.asked == 10 + 1 + 3 + 2);
  CHECK(work.all == 10 + 1 + 3 + 2 + 9 + 9);
  CHECK(work.publications == 9);
}

TEST_CASE("where no script runs, all are clients' commands", "[bench]") {
  command_calls before{{"evalsha", 10}, {"publish", 4}};
  command_calls after{{"evalsha", 10}, {"publish", 24}, {"get", 5}, {"client|list", 1}};
  auto work = work_between(before, after);
  CHECK(work.asked == 26);
  CHECK(work.all == 26);
  CHECK(work.publications == 20);
}

TEST_CASE("a Redis that is not there is named", "[bench]") {
  redis_probe none;
  CHECK(none.open({"127.0.0.1:1"}) == "127.0.0.1:1: Connection refused");
  CHECK_FALSE(redis_probe().look());
}
