#include "actors/master.hpp"

#include <filesystem>
#include <fstream>

#include <unistd.h>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <catch2/catch.hpp>

#include "actors/proof.hpp"
#include "actors/state_file.hpp"

using namespace starling;
using namespace std::chrono_literals;

namespace {

const std::string token = "a token for tests";

class config : public caf::actor_system_config {
public:
  config() {
    add_cluster_messages(*this);
    set("scheduler.policy", caf::atom("testing"));
  }
};

/// A folder that is gone after the test.
class folder {
public:
  folder() {
    auto pattern = (std::filesystem::temp_directory_path() / "starling-master-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const char* name) const { return (path_ / name).string(); }

private:
  std::filesystem::path path_;
};

/// What a member was told, and what the master answered to it last.
struct told {
  std::vector<cluster_view> views;
  std::optional<caf::error> error;
  std::optional<challenge> from;
  std::optional<joined> entered;
  std::optional<beat_answer> heard;
};

struct say {
  caf::message what;
  std::shared_ptr<told> into;
  master_actor to;
};

/// Asks the master by hand, and takes its pushes.
using hand = member_actor::extend<caf::reacts_to<say>>;

} // namespace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(say)

namespace {

hand::behavior_type by_hand(hand::pointer self, std::shared_ptr<told> record) {
  return {
      [record](const cluster_view& view) { record->views.push_back(view); },
      [self](say& what) {
        auto into = what.into;
        auto fail = [into](const caf::error& e) { into->error = e; };
        auto is = [&](auto tag) { return what.what.match_elements<decltype(tag)>(); };
        if (is(hello{})) {
          self->request(what.to, 5s, what.what.get_as<hello>(0)).then([into](challenge& c) { into->from = c; }, fail);
        } else if (is(join{})) {
          self->request(what.to, 5s, what.what.get_as<join>(0)).then([into](joined& j) { into->entered = j; }, fail);
        } else if (is(beat{})) {
          self->request(what.to, 5s, what.what.get_as<beat>(0)).then([into](beat_answer& a) { into->heard = a; }, fail);
        } else {
          self->request(what.to, 5s, what.what.get_as<leave>(0)).then([] {}, fail);
        }
      },
  };
}

/// A master under a clock that the test moves, without threads or sockets.
class scene {
public:
  scene() : system(cfg), sched(dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler())) {
    settings.state_file = files / "master.json";
    settings.shards = {{"s1", "redis://h:1", 1}, {"s2", "redis://h:2", 1}};
  }
  ~scene() { stop(); }

  /// Returns why it does not start.
  std::string start() {
    auto made = prepare_master(settings, token);
    if (auto* why = std::get_if<std::string>(&made)) return *why;
    master = system.spawn(starling::master, std::get<master_start>(std::move(made)));
    sched.run();
    return {};
  }
  void stop() {
    caf::anon_send_exit(master, caf::exit_reason::kill);
    master = nullptr;
    for (auto& [name, who] : hands)
      caf::anon_send_exit(who.first, caf::exit_reason::kill);
    hands.clear();
    sched.run();
  }
  void pass(std::chrono::milliseconds time) {
    for (; time > 0ms; time -= 100ms) {
      sched.advance_time(100ms);
      sched.run();
    }
  }

  /// The record of the node's side; made at the first use.
  std::shared_ptr<told> of(const std::string& name) {
    auto& who = hands[name];
    if (!who.first) {
      who.second = std::make_shared<told>();
      who.first = system.spawn(by_hand, who.second);
    }
    return who.second;
  }
  template <class Message>
  std::shared_ptr<told> ask(const std::string& name, Message what) {
    auto record = of(name);
    record->error.reset();
    caf::anon_send(hands[name].first, say{caf::make_message(std::move(what)), record, master});
    sched.run();
    return record;
  }
  std::shared_ptr<told> enter(const std::string& name, std::uint64_t incarnation, const std::string& table = {},
                              const std::string& secret = token) {
    auto record = ask(name, hello{cluster_protocol_version, cluster_schema(), settings.cluster.id});
    REQUIRE(record->from);
    node_entry node{name, incarnation, "ws://" + name + "/ws"};
    record->entered.reset();
    return ask(name, join{node, record->from->nonce, make_proof(secret, join_parts(record->from->nonce, node)), "n",
                          table, member_actor(hands[name].first)});
  }
  static slot_table table_of(const std::string& text) {
    auto result = slot_table::decode(text);
    REQUIRE(std::holds_alternative<slot_table>(result));
    return std::get<slot_table>(result);
  }
  cluster_state saved() {
    auto text = read_state_file(settings.state_file);
    REQUIRE(std::holds_alternative<std::string>(text));
    auto result = cluster_state::decode(std::get<std::string>(text));
    REQUIRE(std::holds_alternative<cluster_state>(result));
    return std::get<cluster_state>(result);
  }
  std::vector<shard_entry> shards() const { return {{"s1", "redis://h:1", 1}, {"s2", "redis://h:2", 1}}; }

  folder files;
  master_settings settings;
  config cfg;
  caf::actor_system system;
  caf::scheduler::test_coordinator& sched;
  master_actor master;
  std::map<std::string, std::pair<hand, std::shared_ptr<told>>> hands;
};

refusal refused(const std::shared_ptr<told>& record) {
  REQUIRE(record->error);
  auto result = to_refusal(*record->error);
  REQUIRE(result);
  return *result;
}

} // namespace

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
  s.pass(4s);
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
