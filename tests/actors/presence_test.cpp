#include <catch2/catch.hpp>

#include "scene.hpp"

using namespace scene_test;

namespace {

/// Anna at node a watches Bert at node b.
struct watching : scene {
  person anna = enter(*a, "anna"), bert = enter(*b, "bert");

  watching() {
    auto now = anna.get("presence.watch", {{"users", {"bert"}}});
    REQUIRE(now["users"][0]["online"] == true);
  }
};

} // namespace

TEST_CASE("who watches a user hears that the user is gone after the grace and not before", "[presence]") {
  watching s;
  s.bert.hang_up();
  s.pass(s.settings.timings.presence_grace - 100ms);
  CHECK_FALSE(s.anna.told_online("bert"));
  s.pass(100ms);
  CHECK(s.anna.told_online("bert") == false);
  auto told = s.anna.heard("presence");
  REQUIRE(told.size() == 1);
  CHECK(told[0].contains("last_seen"));

  auto again = s.enter(*s.a, "bert"); // at another node than before
  CHECK(s.anna.told_online("bert") == true);
}

TEST_CASE("who comes back within the grace was never gone, at whatever node", "[presence]") {
  watching s;
  s.bert.hang_up();
  s.pass(s.settings.timings.presence_grace / 2);
  SECTION("at the same node") {
    auto again = s.enter(*s.b, "bert");
    s.pass(2 * s.settings.timings.presence_grace);
    CHECK(s.anna.heard("presence").empty());
  }
  SECTION("at another node") {
    auto again = s.enter(*s.a, "bert");
    s.pass(2 * s.settings.timings.presence_grace);
    CHECK(s.anna.heard("presence").empty());
  }
}

TEST_CASE("the users of a node whose lease runs out are gone for watchers at other nodes", "[presence]") {
  watching s;
  s.pass(5s); // leases are renewed
  CHECK(s.anna.heard("presence").empty());
  s.b->fail_all();
  s.pass(s.settings.lease.ttl - s.settings.lease.renew - 100ms);
  CHECK(s.anna.heard("presence").empty()); // not yet: it may only be slow
  s.pass(2 * s.settings.lease.renew + 100ms);
  CHECK(s.anna.told_online("bert") == false);
  CHECK(s.anna.get("presence.get", {{"users", {"bert"}}})["users"][0]["online"] == false);

  s.b->recover_all(); // it had only been cut off
  s.pass(s.settings.lease.renew);
  CHECK(s.anna.told_online("bert") == true);
  CHECK(s.anna.heard("presence").size() == 2);
}

TEST_CASE("a node that ends in order gives its leases back, and nobody waits for them to run out", "[presence]") {
  watching s;
  SECTION("after a while") { s.pass(5s); }
  SECTION("before others have renewed theirs") {}
  caf::anon_send_exit(s.b->self, caf::exit_reason::user_shutdown);
  s.settle();
  s.pass(s.settings.lease.renew); // when others look who is alive
  CHECK(s.anna.told_online("bert") == false);
}

TEST_CASE("users of a node that began anew with an old table are known to be there as soon as it has the new one",
          "[presence]") {
  watching s;
  auto newer = std::make_shared<const slot_table>(make_slot_table({{"s1", "memory:1", 1}, {"s2", "memory:2", 1}}, 2));
  caf::anon_send(s.a->self, use_table{newer});
  s.settle(); // the shards have heard of it, and refuse the lease of who has not
  caf::anon_send(s.b->self, begin_incarnation{2});
  s.settle();
  caf::anon_send(s.b->self, use_table{newer});
  auto again = s.enter(*s.b, "bert"), carl = s.enter(*s.b, "carl");
  const auto online = [&s](const user_id& user) {
    return s.anna.get("presence.get", {{"users", {user}}})["users"][0]["online"] == true;
  };
  CHECK(online("bert"));
  CHECK(online("carl"));
  s.pass(2 * s.settings.lease.ttl);
  CHECK(online("bert"));
  CHECK(online("carl"));
  CHECK(s.anna.told_online("bert").value_or(true));
}

TEST_CASE("who goes or comes while the shard is away from the node is known to when it is back", "[presence]") {
  watching s;
  auto carl = s.enter(*s.b, "carl");
  carl.hang_up();
  s.pass(s.settings.timings.presence_grace - 100ms);
  s.b->fail_all();
  s.settle();
  s.bert.hang_up();
  s.pass(200ms); // carl's grace is over
  CHECK(s.anna.get("presence.get", {{"users", {"carl"}}})["users"][0]["online"] == true);
  s.b->recover_all();
  s.settle();
  CHECK(s.anna.get("presence.get", {{"users", {"carl"}}})["users"][0]["online"] == false);
  CHECK_FALSE(s.anna.told_online("bert"));
}

TEST_CASE("who does not come back to a node whose presence has failed is gone", "[presence]") {
  watching s;
  caf::anon_send(s.b->self, restart_child{"presence", {}, false});
  s.settle();
  REQUIRE(s.bert.closed());
  s.pass(s.settings.lease.ttl + 2 * s.settings.lease.renew);
  CHECK(s.anna.told_online("bert") == false);
  auto carl = s.enter(*s.b, "carl"); // the node itself goes on
  CHECK(s.anna.get("presence.get", {{"users", {"carl"}}})["users"][0]["online"] == true);
}

TEST_CASE("a node whose shards are away ends all the same", "[presence]") {
  watching s;
  auto shards = actor_directory::instance().count("shard");
  s.b->fail_all();
  s.settle();
  caf::anon_send_exit(s.b->self, caf::exit_reason::user_shutdown);
  s.pass(1s);
  CHECK(actor_directory::instance().count("shard") == shards - 2);
}

TEST_CASE("a change of presence whose publication is lost is found by the check of the tail", "[presence]") {
  watching s;
  s.bert.hang_up();
  s.pass(s.settings.timings.presence_grace - 100ms);
  for (auto* shard : {"s1", "s2"})
    s.a->link(shard)->drop_publications(1);
  s.pass(100ms);
  CHECK_FALSE(s.anna.told_online("bert"));
  s.pass(s.settings.timings.tail_check);
  CHECK(s.anna.told_online("bert") == false);
}

TEST_CASE("a room that somebody was added to is found although the hint was lost", "[presence]") {
  scene s;
  auto room = s.room_on("s1");
  auto bert_id = s.user_on("s2", "bert");
  auto anna = s.enter(*s.a, "anna"), bert = s.enter(*s.b, bert_id);
  anna.get("room.create", {{"room", room}, {"kind", "private"}});
  s.b->link("s2")->drop_publications(1);
  anna.get("room.add", {{"room", room}, {"user", bert_id}});
  REQUIRE(s.b->link("s2")->dropped_publications() == 1);
  CHECK(bert.heard("member").empty());

  s.pass(s.settings.timings.tail_check);
  auto told = bert.heard("member");
  REQUIRE(told.size() == 1);
  CHECK(told[0]["room"] == room);
  CHECK(told[0]["user"] == bert_id);
  CHECK(told[0]["change"] == "added");
  anna.say(room, "welcome");
  CHECK(bert.heard_in(room) == texts{"welcome"});
}

TEST_CASE("the first message of a dialogue arrives although the hint was lost", "[presence]") {
  scene s;
  auto bert_id = s.user_on("s2", "bert");
  auto anna = s.enter(*s.a, "anna"), bert = s.enter(*s.b, bert_id);
  s.b->link("s2")->drop_publications(1);
  room_id room = anna.get("message.send", {{"to", bert_id}, {"text", "one"}})["room"];
  REQUIRE(s.b->link("s2")->dropped_publications() == 1);
  anna.get("message.send", {{"to", bert_id}, {"text", "two"}});
  CHECK(bert.heard_in(room).empty());
  s.pass(s.settings.timings.tail_check);
  CHECK(bert.heard_in(room) == texts{"one", "two"});
}
