#include "tests/actors/master_scene.hpp"

#include <catch2/catch.hpp>

using namespace master_test;

TEST_CASE("a first master waits a second for tables, then makes the first one and answers", "[master]") {
  scene s;
  REQUIRE(s.start().empty());
  auto a = s.enter("a", 1);
  s.pass(900ms);
  CHECK_FALSE(a->entered);
  s.pass(100ms);
  REQUIRE(a->entered);
  CHECK(s.table_of(a->entered->view.table) == make_slot_table(s.shards()));
  CHECK(s.saved().table.epoch() == 1);
  CHECK(s.saved().nodes == std::vector<node_entry>{{"a", 1, "ws://a/ws"}});
}

TEST_CASE("a master without state adopts the highest table of its shards that a node brings", "[master]") {
  scene s;
  REQUIRE(s.start().empty());
  auto kept = with_epoch(rebalance(make_slot_table({s.shards()[0]}), s.shards()), 41);
  auto foreign = make_slot_table({{"x", "redis://h:9", 1}}, 44);
  auto a = s.enter("a", 1, make_slot_table(s.shards(), 7).encode());
  auto b = s.enter("b", 1, kept.encode());
  SECTION("alone") {
    s.pass(1s);
    CHECK(s.saved().table == kept);
    CHECK(b->entered->view.table.empty()); // it has it
    CHECK(s.table_of(a->entered->view.table) == kept);
  }
  SECTION("and goes above one of other shards") {
    auto c = s.enter("c", 1, foreign.encode());
    s.pass(1s);
    CHECK(s.saved().table == with_epoch(kept, 45));
    CHECK(s.table_of(c->entered->view.table) == with_epoch(kept, 45));
    CHECK(s.table_of(b->views.back().table) == with_epoch(kept, 45));
  }
}

TEST_CASE("a master that was restored from an old file takes over the nodes' newer table", "[master]") {
  scene s;
  s.settings.shards.resize(2);
  auto old = make_slot_table(s.shards(), 3);
  REQUIRE_FALSE(write_state_file(s.settings.state_file, cluster_state{"starling", old, {}, {}}.encode()));
  REQUIRE(s.start().empty());
  auto a = s.enter("a", 1);
  REQUIRE(a->entered);
  CHECK(s.table_of(a->entered->view.table) == old);
  auto newer = with_epoch(rebalance(make_slot_table({s.shards()[1]}), s.shards()), 9);
  auto b = s.enter("b", 1, newer.encode());
  CHECK(s.table_of(a->views.back().table) == newer);
  CHECK(s.saved().table == newer);
  // The same epoch with another content: neither may stay.
  s.enter("c", 1, make_slot_table(s.shards(), 9).encode());
  CHECK(s.saved().table == with_epoch(newer, 10));
}

TEST_CASE("a master refuses to start where slots would move, unless that is accepted", "[master]") {
  scene s;
  auto before = make_slot_table(s.shards(), 3);
  REQUIRE_FALSE(write_state_file(s.settings.state_file, cluster_state{"starling", before, {}, {}}.encode()));
  SECTION("a new address moves nothing") {
    s.settings.shards[0].address = "redis://elsewhere:1";
    REQUIRE(s.start().empty());
    CHECK(s.saved().table.epoch() == 4);
    CHECK(moved_slots(s.saved().table, before) == 0);
  }
  SECTION("a new shard does") {
    s.settings.shards.push_back({"s3", "redis://h:3", 1});
    CHECK_THAT(s.start(), Catch::Contains("5461 of 16384 slots would move") && Catch::Contains("accept_moved_slots"));
    s.settings.accept_moved_slots = true;
    REQUIRE(s.start().empty());
    CHECK(s.saved().table.epoch() == 4);
    CHECK(s.saved().table.shards().size() == 3);
  }
}

TEST_CASE("a damaged or foreign state file is never replaced by a new table", "[master]") {
  scene s;
  std::string content = cluster_state{"starling", make_slot_table(s.shards(), 3), {}, {}}.encode();
  SECTION("cut off") {
    REQUIRE_FALSE(write_state_file(s.settings.state_file, content.substr(0, content.size() / 2)));
    CHECK_THAT(s.start(), Catch::StartsWith(s.settings.state_file) && Catch::Contains("Put a copy of the file back"));
  }
  SECTION("of another cluster") {
    REQUIRE_FALSE(write_state_file(s.settings.state_file, content));
    s.settings.cluster.id = "other";
    CHECK_THAT(s.start(), Catch::Contains("is the state of cluster \"starling\""));
  }
}

TEST_CASE("no table is told that is not in the state file, and nodes join all the same", "[master]") {
  scene s;
  REQUIRE(s.start().empty());
  // A folder in the place of the file that is to be renamed: even root cannot write there.
  std::filesystem::create_directory(s.settings.state_file + ".new");
  auto a = s.enter("a", 1);
  s.pass(1s);
  REQUIRE(a->entered);
  CHECK(a->entered->view.table.empty());
  CHECK(a->entered->view.nodes.size() == 1);
  CHECK_FALSE(std::filesystem::exists(s.settings.state_file));
  std::filesystem::remove(s.settings.state_file + ".new");
  s.pass(1s);
  CHECK(s.saved().table.epoch() == 1);
  REQUIRE_FALSE(a->views.empty());
  CHECK(s.table_of(a->views.back().table).epoch() == 1);
}

TEST_CASE("a master says exactly why it lets a node not in", "[master]") {
  scene s;
  REQUIRE(s.start().empty());
  s.pass(1s);
  auto greet = [&](hello what) { return refused(s.ask("x", what)).kind; };
  CHECK(greet({cluster_protocol_version + 1, cluster_schema(), "starling"}) == refusal_kind::other_version);
  CHECK(greet({cluster_protocol_version, cluster_schema() + 1, "starling"}) == refusal_kind::other_schema);
  CHECK(greet({cluster_protocol_version, cluster_schema(), "other"}) == refusal_kind::other_cluster);
  CHECK(refused(s.enter("x", 1, {}, "another token")).kind == refusal_kind::wrong_token);
  CHECK(refused(s.enter("x y", 1)).kind == refusal_kind::bad_request);
  // A challenge is good for one join, and not for long.
  auto x = s.of("x");
  node_entry node{"x", 1, ""};
  join again{node, x->from->nonce, make_proof(token, join_parts(x->from->nonce, node)), "n", {}, s.hands["x"].first};
  CHECK(refused(s.ask("x", again)).kind == refusal_kind::no_challenge);
  CHECK(s.enter("x", 5)->entered);
  CHECK(s.of("x")->entered->proof ==
        make_proof(token, joined_parts(join{{"x", 5, "ws://x/ws"}, s.of("x")->from->nonce, {}, "n", {}, {}},
                                       s.of("x")->from->master_incarnation)));
  CHECK(s.enter("y", 1)->entered); // is heard, so that x's silence says something
  for (int i = 0; i < 4; ++i) {
    s.pass(1s);
    s.ask("y", beat{"y", 1, 0, 0, 0});
  }
  auto late = refused(s.enter("x", 5));
  CHECK(late.kind == refusal_kind::dead);
  CHECK(late.newest_dead == 5);
}

TEST_CASE("members are told of those who come, leave and die, and of what they missed", "[master]") {
  scene s;
  REQUIRE(s.start().empty());
  s.pass(1s);
  auto a = s.enter("a", 1);
  auto b = s.enter("b", 1);
  REQUIRE(a->views.size() == 1);
  CHECK(a->views.back().nodes.size() == 2);
  auto alive = [&](std::uint64_t version) {
    auto table = s.saved().table;
    s.ask("a", beat{"a", 1, version, table.epoch(), table.digest()});
    return a->heard->standing;
  };
  CHECK(alive(a->views.back().version) == node_standing::alive);
  CHECK(a->views.size() == 1);
  CHECK(alive(0) == node_standing::alive); // it has missed something
  CHECK(a->views.size() == 2);
  s.ask("a", leave{"b", 1}); // in another's name
  CHECK(a->views.size() == 2);
  s.ask("b", leave{"b", 1});
  REQUIRE(a->views.size() == 3);
  CHECK(a->views.back().nodes.size() == 1);
  CHECK(s.ask("b", beat{"a", 1, 0, 0, 0})->heard->standing == node_standing::unknown); // in another's name

  auto c = s.enter("c", 1);
  for (int i = 0; i < 5; ++i) {
    s.pass(600ms);
    alive(a->views.back().version);
  }
  REQUIRE(a->views.back().nodes.size() == 1); // c was silent
  CHECK(s.ask("c", beat{"c", 1, 0, 0, 0})->heard->standing == node_standing::dead);
  // And it is so for the next master.
  s.stop();
  REQUIRE(s.start().empty());
  CHECK(s.ask("c", beat{"c", 1, 0, 0, 0})->heard->standing == node_standing::dead);
  CHECK(s.ask("a", beat{"a", 1, 0, 0, 0})->heard->standing == node_standing::unknown);
  CHECK(refused(s.enter("c", 1)).kind == refusal_kind::dead);
  CHECK(s.enter("c", 2)->entered);
}

TEST_CASE("consoles see the nodes as the master does: expected, heard of, gone", "[master]") {
  scene s;
  REQUIRE(s.start().empty());
  s.enter("a", 1);
  s.enter("b", 1);
  s.pass(1'000ms);
  auto now = s.picture->get();
  REQUIRE(now.nodes.size() == 2);
  CHECK(now.epoch == 1);
  auto heard = now.nodes["a"].heard;
  CHECK(heard == s.sched.clock().now());
  s.pass(600ms);
  s.ask("a", beat{"a", 1, 0, now.epoch, now.digest});
  now = s.picture->get();
  CHECK(now.nodes["a"].heard == heard + 600ms);
  CHECK(now.nodes["a"].digest == now.digest);
  CHECK(now.nodes["b"].heard == heard);
  s.ask("b", leave{"b", 1});
  CHECK(s.picture->get().nodes.size() == 1);
  s.stop();
  REQUIRE(s.start().empty());
  now = s.picture->get();
  REQUIRE(now.nodes.size() == 1);
  CHECK(now.nodes["a"].heard == node_registry::time_point()); // it has not come to this master
}
