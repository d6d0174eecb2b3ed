#include <stdexcept>

#include <catch2/catch.hpp>

#include "scene.hpp"

using namespace scene_test;

namespace {

/// A table that names one shard more than the scene's: each router must make a link to it.
slot_table with_third_shard() {
  return rebalance(make_slot_table({{"s1", "memory:1", 1}, {"s2", "memory:2", 1}}),
                   {{"s1", "memory:1", 1}, {"s2", "memory:2", 1}, {"s3", "memory:3", 1}});
}

} // namespace

TEST_CASE("a room that fails closes those who sit in it, and nobody else", "[restart]") {
  scene s;
  auto room = s.room_on("s1");
  auto anna = s.enter(*s.a, "anna"), carl = s.enter(*s.a, "carl"), bert = s.enter(*s.b, "bert");
  for (auto* who : {&anna, &bert})
    who->get("room.join", {{"room", room}});
  anna.say(room, "one");
  caf::anon_send_exit(s.room_at(*s.a, room, "anna"), caf::exit_reason::kill);
  s.settle();
  CHECK(anna.close_reason() == close_code::internal);
  CHECK_FALSE(carl.closed());
  CHECK_FALSE(bert.closed());

  bert.say(room, "two");
  auto again = s.enter(*s.a, "anna");
  auto missed = again.get("room.sync", {{"rooms", {{room, 1}}}})["rooms"][room]["messages"];
  REQUIRE(missed.size() == 1);
  CHECK(missed[0]["text"] == "two");
  bert.say(room, "three");
  CHECK(again.heard_in(room) == texts{"three"});
}

TEST_CASE("a router that fails is started again and again, later each time, and clients are sent away", "[restart]") {
  scene s;
  auto room = s.room_on("s1");
  auto anna = s.enter(*s.a, "anna"), bert = s.enter(*s.b, "bert");
  anna.get("room.join", {{"room", room}});
  anna.say(room, "one");

  int attempts = 0;
  s.before_link = [&](const shard_settings& shard) {
    if (shard.name != "s3") return;
    ++attempts;
    throw std::runtime_error("a bug");
  };
  caf::anon_send(s.a->self, use_table{std::make_shared<const slot_table>(with_third_shard())});
  s.settle();
  CHECK(attempts == 1);
  CHECK(s.a->evictions.size() == 1);
  CHECK(anna.close_reason() == close_code::going_away);
  CHECK_FALSE(bert.closed());
  person early(s, *s.a, "anna"); // nothing is there to serve her
  CHECK(early.close_reason() == close_code::overloaded);

  auto wait = 100ms;
  for (int failed = 1; failed < 5; ++failed, wait *= 2) {
    s.pass(wait - 100ms);
    CHECK(attempts == failed);
    s.pass(100ms);
    CHECK(attempts == failed + 1);
  }
  s.before_link = nullptr;
  s.use(with_third_shard());
  s.pass(wait);
  CHECK(attempts == 5);
  CHECK(s.a->status->epoch() == 2);
  auto again = s.enter(*s.a, "anna");
  CHECK(again.get("room.join", {{"room", room}})["role"] != nullptr);
  again.say(room, "two");
  CHECK_FALSE(again.heard_in(room).empty());
}

TEST_CASE("a node that was taken for dead goes on under a new incarnation, and its clients come anew", "[restart]") {
  scene s;
  auto room = s.room_on("s1");
  auto anna = s.enter(*s.a, "anna"), bert = s.enter(*s.b, "bert");
  for (auto* who : {&anna, &bert})
    who->get("room.join", {{"room", room}});
  caf::anon_send(s.a->self, begin_incarnation{2});
  s.settle();
  CHECK(anna.close_reason() == close_code::going_away);
  CHECK(s.a->evictions.size() == 1);
  bert.say(room, "are you there?");
  auto again = s.enter(*s.a, "anna");
  CHECK(again.heard("session.opened")[0]["rooms"][0]["seq"] == 1);
  bert.say(room, "now?");
  CHECK(again.heard_in(room) == texts{"now?"});
}

TEST_CASE("under a table with one shard more, rooms whose slots stay go on and the new shard takes rooms",
          "[restart]") {
  scene s;
  auto anna = s.enter(*s.a, "anna"), bert = s.enter(*s.b, "bert");
  auto stays = s.room_on("s1");
  for (auto* who : {&anna, &bert})
    who->get("room.join", {{"room", stays}});
  anna.say(stays, "one");
  s.use(with_third_shard());
  REQUIRE(s.room_on("s1") == stays); // its slot has stayed
  anna.say(stays, "two");
  CHECK(bert.heard_in(stays) == texts{"one", "two"});
  auto moved = s.room_on("s3");
  for (auto* who : {&anna, &bert})
    who->get("room.join", {{"room", moved}});
  anna.say(moved, "here");
  CHECK(bert.heard_in(moved) == texts{"here"});
  CHECK(bert.heard("room.gap").empty());
}
