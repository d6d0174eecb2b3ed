#include "cli/bench/plan.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <set>

using namespace starling::cli;

namespace {

plan plan_for(bench_options options, protocol speaks = protocol::starling) {
  return plan_of(options, dialect_of(speaks));
}

bench_options options_for(scenario what, std::size_t clients) {
  bench_options options;
  options.what = what;
  options.clients = clients;
  return options;
}

} // namespace

TEST_CASE("fanout divides the clients among the rooms, neighbours together", "[bench]") {
  auto options = options_for(scenario::fanout, 10);
  options.rooms = 3;
  auto all = plan_for(options);
  std::map<std::uint32_t, int> members;
  for (const auto& each : all.clients) {
    CHECK(each.joins);
    ++members[each.room];
  }
  CHECK(members == std::map<std::uint32_t, int>{{0, 4}, {1, 3}, {2, 3}});
  REQUIRE(all.streams.size() == 1);
  CHECK(all.streams[0].count == 10);
}

TEST_CASE("pairs are dialogues where there are such, and rooms of two elsewhere", "[bench]") {
  auto options = options_for(scenario::pairs, 6);
  for (auto speaks : {protocol::starling, protocol::json, protocol::socketio}) {
    auto all = plan_for(options, speaks);
    CHECK(all.rooms == 3);
    for (std::size_t i = 0; i < 6; ++i) {
      CHECK(all.clients[i].room == i / 2);
      CHECK(all.clients[i].joins == (speaks != protocol::starling));
    }
  }
}

TEST_CASE("busy puts pairs beside the room, and leaves them alone when it is empty", "[bench]") {
  auto options = options_for(scenario::busy, 5);
  options.pairs = 2;
  auto both = plan_for(options);
  REQUIRE(both.streams.size() == 2);
  CHECK(both.clients.size() == 9);
  CHECK(both.clients[4].room == 0);
  CHECK(both.clients[5].room == 1);
  CHECK(both.clients[6].room == 1);
  CHECK(both.clients[8].room == 2);
  CHECK(both.streams[1].partner(5) == 6); // the room has an odd number of members
  CHECK(both.streams[1].partner(6) == 5);
  CHECK_FALSE(both.streams[0].urgent);
  CHECK(both.streams[1].urgent);
  for (std::size_t i = 0; i < 9; ++i)
    CHECK(both.clients[i].urgent == (i >= 5));

  options.clients = 0;
  auto alone = plan_for(options);
  CHECK(alone.clients.size() == 4);
  CHECK(alone.rooms == 2);
  CHECK(alone.streams[0].rate == 0);
  CHECK(alone.streams[0].count == 0);
  CHECK(alone.streams[1].rate == options.pairs_rate);
}

TEST_CASE("those who stall are as many as wanted, and not all in one room", "[bench]") {
  auto options = options_for(scenario::stalled, 100);
  options.rooms = 10;
  options.stalled = 20;
  std::map<std::uint32_t, int> stalled;
  for (const auto& each : plan_for(options).clients)
    if (each.stalls) ++stalled[each.room];
  CHECK(stalled.size() == 10);
  for (auto [room, count] : stalled)
    CHECK(count == 2);
}

TEST_CASE("in a storm each user has just so many observers, and each of these as many users", "[bench]") {
  auto options = options_for(scenario::storm, 300);
  options.observers = 20;
  options.watchers = 7;
  auto all = plan_for(options);
  REQUIRE(all.clients.size() == 320);
  std::map<std::uint32_t, std::size_t> watched;
  for (std::size_t i = 0; i < 300; ++i)
    CHECK(all.clients[i].watches.empty());
  for (std::size_t i = 300; i < 320; ++i) {
    const auto& users = all.clients[i].watches;
    CHECK(users.size() == 105);
    CHECK(std::set(users.begin(), users.end()).size() == 105);
    for (auto user : users)
      ++watched[user];
  }
  CHECK(watched.size() == 300);
  for (auto [user, count] : watched)
    CHECK(count == 7);
}

TEST_CASE("options that cannot be are refused with the name of one", "[bench]") {
  auto refused = [](const bench_options& options, const std::string& name) { return check(options).find(name) == 0; };
  CHECK(refused(options_for(scenario::pairs, 3), "--clients"));
  CHECK(refused(options_for(scenario::fanout, 0), "--rooms"));
  CHECK(refused(options_for(scenario::idle, 0), "--clients"));
  CHECK(check(options_for(scenario::busy, 0)).empty());
  auto options = options_for(scenario::stalled, 50);
  CHECK(refused(options, "--stalled"));
  options = options_for(scenario::storm, 3000);
  CHECK(check(options).empty());
  options.observers = 20;
  CHECK(refused(options, "--observers"));
  options.observers = 5;
  CHECK(refused(options, "--watchers"));
}
