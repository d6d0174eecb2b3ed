#include <catch2/catch.hpp>

#include "scene.hpp"

using namespace scene_test;

namespace {

/// Members at both nodes of a room on shard s1 and of one on s2; their own lists are on s2.
struct two_shards : scene {
  room_id room = room_on("s1"), other = room_on("s2");
  user_id anna_id = user_on("s2", "anna"), bert_id = user_on("s2", "bert");
  person anna = enter(*a, anna_id), bert = enter(*b, bert_id);

  two_shards() {
    for (auto* who : {&anna, &bert})
      for (auto& id : {room, other})
        who->get("room.join", {{"room", id}});
  }
};

bool rises(const numbers& seqs) {
  return std::adjacent_find(seqs.begin(), seqs.end(), std::greater_equal<>()) == seqs.end();
}

} // namespace

TEST_CASE("requests to a shard that is away are refused at once, and others are carried out", "[shards]") {
  two_shards s;
  s.a->link("s1")->fail("no route");
  s.settle();
  CHECK(s.a->status->readyz().first == 503);
  for (auto* method : {"room.history", "room.info", "room.members", "room.who"}) {
    auto answer = s.anna.call(method, {{"room", s.room}}); // no time passes
    CHECK(answer["error"]["code"] == 503);
    CHECK(answer["error"]["data"]["retry"] == true);
  }
  CHECK(s.anna.call("message.send", {{"room", s.room}, {"text", "?"}})["error"]["code"] == 503);
  s.anna.say(s.other, "still here");
  CHECK(s.bert.heard_in(s.other) == texts{"still here"});
  CHECK_FALSE(s.anna.closed());
}

TEST_CASE("when a shard is back its rooms are whole, with what was sent meanwhile through another node", "[shards]") {
  two_shards s;
  s.anna.say(s.room, "one");
  s.a->link("s1")->fail("no route");
  s.settle();
  s.bert.say(s.room, "two");
  s.bert.say(s.room, "three");
  CHECK(s.anna.heard_in(s.room) == texts{"one"});

  s.a->link("s1")->recover();
  s.settle();
  CHECK(s.anna.heard_in(s.room) == texts{"one", "two", "three"});
  s.anna.say(s.room, "four");
  CHECK(s.anna.heard_in(s.room) == texts{"one", "two", "three", "four"});
  CHECK(s.bert.heard_in(s.room) == s.anna.heard_in(s.room));
  CHECK(s.anna.heard("room.gap").empty());
}

TEST_CASE("who opens while the shard of a room is away is told so, and gets the room when it is back", "[shards]") {
  two_shards s;
  s.a->link("s1")->fail("no route");
  s.settle();
  auto again = s.enter(*s.a, s.anna_id);
  auto rooms = again.heard("session.opened")[0]["rooms"];
  REQUIRE(rooms.size() == 2);
  for (auto& one : rooms)
    CHECK(one.value("unavailable", false) == (one["room"] == s.room));

  auto missed = s.bert.say(s.room, "are you there?");
  s.a->link("s1")->recover();
  s.settle();
  s.bert.say(s.room, "hello?"); // the room is up, but the session has not asked for its seat again
  s.pass(1s);
  auto available = again.heard("room.available");
  REQUIRE(available.size() == 1);
  CHECK(available[0]["room"] == s.room);
  CHECK(available[0]["seq"] == missed + 1);
  s.bert.say(s.room, "welcome back");
  CHECK(again.heard_in(s.room) == texts{"welcome back"});
  CHECK(again.seqs_in(s.room) == numbers{missed + 2}); // so a client knows what to ask of room.sync
}

TEST_CASE("a room whose shard comes back empty is made again under a newer epoch", "[shards]") {
  two_shards s;
  auto first = s.anna.get("message.send", {{"room", s.room}, {"text", "one"}});
  auto last = s.bert.say(s.room, "two");
  for (auto* node : {s.a.get(), s.b.get()})
    node->link("s1")->fail("it has crashed");
  s.settle();
  s.servers["s1"]->clear();
  for (auto* node : {s.a.get(), s.b.get()})
    node->link("s1")->recover();
  s.settle();

  auto next = s.anna.get("message.send", {{"room", s.room}, {"text", "three"}});
  CHECK(next["epoch"] > first["epoch"]);
  CHECK(next["seq"] > last);
  CHECK(s.bert.say(s.room, "four") > next["seq"]);
  for (auto* who : {&s.anna, &s.bert}) {
    CHECK(who->heard_in(s.room) == texts{"one", "two", "three", "four"});
    CHECK(rises(who->seqs_in(s.room)));
    auto gaps = who->heard("room.gap");
    REQUIRE(gaps.size() == 1);
    CHECK(gaps[0]["room"] == s.room);
    CHECK(gaps[0]["epoch"] == next["epoch"]);
  }
  auto members = s.anna.get("room.members", {{"room", s.room}})["members"];
  REQUIRE(members.size() == 2);
  CHECK(members[0]["user"] == s.anna_id);
  CHECK(members[0]["role"] == "owner");
  CHECK(members[1]["role"] == "member");
}

TEST_CASE("a shard that comes back empty makes nobody a member twice or a stranger", "[shards]") {
  two_shards s;
  auto stranger = s.enter(*s.b, s.user_on("s2", "carl"));
  s.a->link("s1")->fail("it has crashed");
  s.b->link("s1")->fail("it has crashed");
  s.settle();
  s.servers["s1"]->clear();
  s.a->link("s1")->recover(); // one node finds it first, and brings its own members only
  s.settle();
  CHECK(s.anna.get("room.info", {{"room", s.room}})["members"] == 1);
  s.b->link("s1")->recover();
  s.settle();
  s.pass(2 * s.settings.timings.tail_check);
  CHECK(s.anna.get("room.info", {{"room", s.room}})["members"] == 2);
  CHECK(stranger.call("message.send", {{"room", s.room}, {"text", "?"}})["error"]["code"] == 403);
  CHECK(s.bert.say(s.room, "here") > 0);
  CHECK(s.anna.heard_in(s.room) == texts{"here"});
}

TEST_CASE("a shard that is emptied while all are connected to it gets back what the nodes know", "[shards]") {
  two_shards s;
  auto last = s.anna.say(s.room, "one");
  s.pass(s.settings.timings.tail_check);
  SECTION("the room's shard") { s.servers["s1"]->clear(); }
  SECTION("that of the users' lists") { s.servers["s2"]->clear(); }
  s.pass(3 * s.settings.timings.tail_check);
  auto next = s.anna.say(s.room, "two");
  CHECK(next > last);
  CHECK(s.bert.say(s.room, "three") == next + 1);
  for (auto* who : {&s.anna, &s.bert}) {
    CHECK(rises(who->seqs_in(s.room)));
    CHECK(who->heard_in(s.room).back() == "three");
    CHECK(who->get("room.info", {{"room", s.room}})["members"] == 2);
  }
  auto now = s.anna.get("presence.get", {{"users", {s.bert_id}}})["users"];
  CHECK(now[0]["online"] == true);
  auto again = s.enter(*s.b, s.anna_id); // who comes anew finds the rooms too
  CHECK(again.heard("session.opened")[0]["rooms"].size() == 2);
}

TEST_CASE("a shard that is emptied is looked through though its count of changes is the same again", "[shards]") {
  scene s;
  auto room = s.room_on("s1");
  auto anna = s.enter(*s.a, s.user_on("s2", "anna"));
  anna.get("room.join", {{"room", room}});
  s.pass(2 * s.settings.timings.tail_check);
  auto& redis = *s.servers["s1"];
  auto changes = redis.command({"HGET", "starling:shard", "changes"}).to_string();
  redis.clear();
  redis.command({"HSET", "starling:shard", "changes", changes});
  s.pass(2 * s.settings.timings.tail_check);
  CHECK(redis.command({"EXISTS", "room:info:" + room}).to_int() == 1);
}

TEST_CASE("a room that strangers make anew on an emptied shard is the old one again when its members hear of it",
          "[shards]") {
  two_shards s;
  auto last = s.anna.say(s.room, "one");
  s.pass(s.settings.timings.tail_check);
  auto carl = s.enter(*s.a, s.user_on("s2", "carl")), dave = s.enter(*s.a, s.user_on("s2", "dave"));
  s.servers["s1"]->clear();
  carl.call("room.join", {{"room", s.room}}); // refused: by this the shard's actor finds that it was emptied
  for (auto* who : {&carl, &dave})
    who->get("room.join", {{"room", s.room}});
  s.pass(3 * s.settings.timings.tail_check);
  CHECK(s.anna.get("room.info", {{"room", s.room}})["members"] == 4);
  CHECK(s.bert.say(s.room, "two") > last);
  for (auto* who : {&s.anna, &s.bert, &carl, &dave}) {
    CHECK(who->heard_in(s.room).back() == "two");
    CHECK(rises(who->seqs_in(s.room)));
  }
}

TEST_CASE("a user who was removed before a newer epoch began does not come back with it", "[shards]") {
  two_shards s;
  auto first = s.anna.get("message.send", {{"room", s.room}, {"text", "one"}});
  s.b->link("s1")->fail("no route"); // so that bert's node does not hear of it
  s.settle();
  s.anna.get("room.remove", {{"room", s.room}, {"user", s.bert_id}});
  // Redis forgets the last message, and the next is numbered in a newer epoch.
  s.servers["s1"]->command({"DEL", "room:log:" + s.room});
  auto next = s.anna.get("message.send", {{"room", s.room}, {"text", "two"}});
  REQUIRE(next["epoch"] > first["epoch"]);
  s.b->link("s1")->recover();
  s.settle();
  s.pass(2 * s.settings.timings.tail_check);
  CHECK(s.anna.get("room.info", {{"room", s.room}})["members"] == 1);
  CHECK(s.bert.call("message.send", {{"room", s.room}, {"text", "?"}})["error"]["code"] == 403);
}
