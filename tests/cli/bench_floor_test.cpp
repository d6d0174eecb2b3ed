#include "cli/bench/floor.hpp"

#include <catch2/catch.hpp>

#include "cli/bench/report.hpp"
#include "cli/bench/run.hpp"

using namespace starling::cli;

namespace {

bench_options small(scenario what) {
  bench_options options;
  options.what = what;
  options.clients = 20;
  options.rooms = 2;
  options.rate = 400;
  options.seconds = std::chrono::milliseconds(300);
  options.warmup = std::chrono::milliseconds(50);
  options.concurrency = 4;
  return options;
}

run_result against_floor(const bench_options& options) {
  floor_server floor;
  REQUIRE(floor.running());
  return run_once(options, {floor.where()}, protocol::floor, {floor.pid()}, [](const std::string&) {});
}

} // namespace

TEST_CASE("the floor delivers each message to all members of its room, and the clients count them", "[bench]") {
  auto what = GENERATE(scenario::fanout, scenario::pairs);
  auto options = small(what);
  auto members = what == scenario::pairs ? 2u : 10u;
  auto result = against_floor(options);
  CHECK(result.clients == 20);
  CHECK(result.sent == 140);
  CHECK(result.acknowledged == result.sent);
  CHECK(result.expected == result.sent * members);
  CHECK(result.delivered == result.expected);
  CHECK_FALSE(failed(result));
  CHECK(result.ended.empty());
  CHECK(result.streams.at(0).latency.count() > 0);
  CHECK(result.until.server);
}

TEST_CASE("a room and pairs beside it are told apart, and may be alone", "[bench]") {
  auto options = small(scenario::busy);
  options.pairs = 5;
  options.pairs_rate = 200;
  options.clients = GENERATE(0u, 20u);
  auto result = against_floor(options);
  CHECK(result.clients == options.clients + 10);
  REQUIRE(result.streams.size() == 2);
  CHECK(result.streams[0].sent == (options.clients > 0 ? 140 : 0));
  CHECK(result.streams[1].sent == 70);
  CHECK(result.delivered == result.streams[0].sent * 20 + result.streams[1].sent * 2);
  CHECK(result.streams[1].latency.count() == 60); // in the window, without the senders' own copies
  CHECK_FALSE(failed(result));
  auto as_json = json(options, std::nullopt, result);
  CHECK(as_json.find(R"("target":"floor","protocol":"floor","nodes_urls":[])") != std::string::npos);
  CHECK(as_json.find(R"("pairs_latency_p99_ms":)") != std::string::npos);
}

TEST_CASE("nothing is expected of those who stall", "[bench]") {
  auto options = small(scenario::stalled);
  options.stalled = 4;
  auto result = against_floor(options);
  CHECK(result.stalled.clients == 4);
  CHECK(result.stalled.closed == 0);
  CHECK(result.expected == result.sent * 8); // of ten in each room
  CHECK(result.delivered == result.expected);
  CHECK_FALSE(failed(result));
}

TEST_CASE("connections alone can be measured against the floor", "[bench]") {
  auto options = small(GENERATE(scenario::idle, scenario::connect));
  auto result = against_floor(options);
  CHECK(result.clients == 20);
  CHECK(result.opened_in.count() == 20);
  CHECK_FALSE(failed(result));
}

TEST_CASE("out of order is a failure only where order is promised", "[bench]") {
  run_result result;
  result.clients = 1;
  result.out_of_order = 1;
  for (auto spoken : {protocol::starling, protocol::floor}) {
    result.spoken = spoken;
    CHECK(failed(result));
  }
  for (auto spoken : {protocol::json, protocol::socketio}) {
    result.spoken = spoken;
    CHECK_FALSE(failed(result));
  }
  result.lost = 1;
  CHECK(failed(result));
}

TEST_CASE("a table and JSON of a run name the same figures", "[bench]") {
  auto options = small(scenario::fanout);
  auto result = against_floor(options);
  auto as_json = json(options, std::nullopt, result);
  CHECK(as_json.find(R"("lost":0)") != std::string::npos);
  CHECK(as_json.find(R"("latency_p99_ms":)") != std::string::npos);
  CHECK(as_json.find(R"("server_cpu_per_delivery_us":)") != std::string::npos);
  CHECK(table(options, std::nullopt, result).find("latency p99, ms") != std::string::npos);
}

TEST_CASE("nobody there: the run ends, says why and counts as failed", "[bench]") {
  endpoint nowhere;
  {
    floor_server floor; // its port is free again after this
    nowhere = floor.where();
  }
  auto result = run_once(small(scenario::fanout), {nowhere}, protocol::starling, {}, [](const std::string&) {});
  CHECK(failed(result));
  CHECK(result.ended.at("Connection refused") == 20);
}

TEST_CASE("URLs that are none are refused with a reason", "[bench]") {
  endpoint to;
  CHECK(resolve("ws://127.0.0.1:8080/ws", to).empty());
  CHECK(to.host == "127.0.0.1:8080");
  CHECK(to.path == "/ws");
  CHECK(resolve("ws://[::1]:8080", to).empty());
  CHECK(to.path.empty());
  CHECK(resolve("http://127.0.0.1", to).find("ws://") != std::string::npos);
  CHECK_FALSE(resolve("ws://127.0.0.1:nonsense/", to).empty());
}
