#include "actors/inspector.hpp"

#include <caf/scoped_actor.hpp>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "actors/events.hpp"
#include "actors/inspect_actors.hpp"
#include "actors/inspect_placement.hpp"
#include "actors/node_status.hpp"
#include "actors/proof.hpp"
#include "chat/slot_runs.hpp"
#include "stepped_system.hpp"

using namespace starling;
using nlohmann::json;

namespace {

/// An inspector under a clock that the test moves, and consoles that talk to it by hand.
struct inspected : stepped_system {
  std::shared_ptr<known_processes> others = std::make_shared<known_processes>();
  std::size_t changes = 0;
  std::uint64_t incarnation = 1; // as the node's is now
  std::vector<table_ptr> tables;
  inspector_actor actor;

  inspected() {
    others->set({{"node", "b", 2, "127.0.0.1:2"}});
    auto echo = [](inspector_actor::pointer, const json& arguments) -> caf::result<console_answer> {
      return console_answer{arguments.dump()};
    };
    auto change = [this](inspector_actor::pointer, const json& arguments, const change_done& done) {
      if (!arguments.contains("dry_run")) ++changes;
      if (arguments.contains("fail"))
        done({{}, {}, refusal{refusal_kind::bad_request, "it cannot be", 0}});
      else
        done({"changed=1", "{}", {}});
    };
    actor = system.spawn(inspector, inspector_options{"c",
                                                      "right",
                                                      {"node", "a", 1, "127.0.0.1:1"},
                                                      others,
                                                      {{"echo", {false, echo}},
                                                       {"change", {true, {}, change}},
                                                       {"actors", actors_command()},
                                                       {"slots", slots_command([this] { return tables; })},
                                                       {"where", where_command([this] { return tables; }, {})}},
                                                      [this] { return incarnation; }});
  }
  ~inspected() {
    caf::anon_send_exit(actor, caf::exit_reason::kill);
    actor = nullptr;
    sched.run();
  }

  template <class Answer, class Message>
  std::variant<Answer, refusal> ask(caf::scoped_actor& console, Message what) {
    auto asked = console->request(actor, caf::infinite, std::move(what));
    sched.run();
    std::variant<Answer, refusal> result;
    asked.receive([&](Answer& answer) { result = std::move(answer); },
                  [&](caf::error& why) {
                    auto no = to_refusal(why);
                    REQUIRE(no);
                    result = *no;
                  });
    return result;
  }
  std::variant<console_joined, refusal> join(caf::scoped_actor& console, const std::string& token = "right",
                                             bool admin = false) {
    auto from = ask<console_challenge>(console, console_hello{cluster_protocol_version, cluster_schema(), "c"});
    console_join what{std::get<console_challenge>(from).nonce, {}, "n", "ann@here", admin};
    what.proof = make_proof(token, console_join_parts(what));
    return ask<console_joined>(console, what);
  }
  std::variant<console_answer, refusal> run(caf::scoped_actor& console, const std::string& command,
                                            const std::string& arguments = "{}") {
    return ask<console_answer>(console, console_ask{command, arguments});
  }
};

template <class Answer>
refusal_kind kind_of(const std::variant<Answer, refusal>& result) {
  auto* no = std::get_if<refusal>(&result);
  return no ? no->kind : refusal_kind::none;
}

} // namespace

TEST_CASE("an inspector answers consoles that have proved the token, and nobody else", "[inspector]") {
  inspected s;
  caf::scoped_actor console(s.system), stranger(s.system);
  CHECK(kind_of(s.run(console, "echo")) == refusal_kind::not_joined);
  auto joined = s.join(console);
  REQUIRE(kind_of(joined) == refusal_kind::none);
  CHECK(std::get<console_joined>(joined).self.name == "a");
  CHECK(std::get<console_joined>(joined).others.at(0).inspect == "127.0.0.1:2");
  CHECK(std::get<console_answer>(s.run(console, "echo", R"({"x":1})")).result == R"({"x":1})");

  CHECK(kind_of(s.join(stranger, "wrong")) == refusal_kind::wrong_token);
  CHECK(kind_of(s.run(stranger, "echo")) == refusal_kind::not_joined);
  CHECK(kind_of(s.run(console, "echo")) == refusal_kind::none);
}

TEST_CASE("an inspector tells consoles of other releases and clusters what is wrong", "[inspector]") {
  inspected s;
  caf::scoped_actor console(s.system);
  auto greet = [&](console_hello what) { return kind_of(s.ask<console_challenge>(console, std::move(what))); };
  CHECK(greet({cluster_protocol_version + 1, cluster_schema(), "c"}) == refusal_kind::other_version);
  CHECK(greet({cluster_protocol_version, cluster_schema() + 1, "c"}) == refusal_kind::other_schema);
  CHECK(greet({cluster_protocol_version, cluster_schema(), "d"}) == refusal_kind::other_cluster);
}

TEST_CASE("a challenge is good once, and for ten seconds", "[inspector]") {
  inspected s;
  caf::scoped_actor console(s.system);
  auto from = s.ask<console_challenge>(console, console_hello{cluster_protocol_version, cluster_schema(), "c"});
  console_join what{std::get<console_challenge>(from).nonce, {}, "n", "ann@here", false};
  what.proof = make_proof("right", console_join_parts(what));
  SECTION("once") {
    CHECK(kind_of(s.ask<console_joined>(console, what)) == refusal_kind::none);
    CHECK(kind_of(s.ask<console_joined>(console, what)) == refusal_kind::no_challenge);
  }
  SECTION("ten seconds") {
    s.sched.advance_time(challenges::life);
    CHECK(kind_of(s.ask<console_joined>(console, what)) == refusal_kind::no_challenge);
  }
}

TEST_CASE("what changes something is for consoles with the right of an admin", "[inspector]") {
  inspected s;
  caf::scoped_actor reader(s.system), admin(s.system);
  s.join(reader);
  s.join(admin, "right", true);
  CHECK(kind_of(s.run(reader, "change")) == refusal_kind::not_admin);
  CHECK(s.changes == 0);
  CHECK(kind_of(s.run(admin, "change")) == refusal_kind::none);
  CHECK(s.changes == 1);
  CHECK(kind_of(s.run(admin, "change", R"({"fail":1})")) == refusal_kind::bad_request);
}

TEST_CASE("a dry run is for everybody, and changes nothing", "[inspector]") {
  inspected s;
  caf::scoped_actor reader(s.system);
  s.join(reader);
  CHECK(kind_of(s.run(reader, "change", R"({"dry_run":true})")) == refusal_kind::none);
  CHECK(s.changes == 0);
  CHECK(kind_of(s.run(reader, "change", R"({"dry_run":false})")) == refusal_kind::not_admin);
  CHECK(kind_of(s.run(reader, "change", R"({"dry_run":"yes"})")) == refusal_kind::bad_request);
  CHECK(s.changes == 0);
}

TEST_CASE("what admins do is audited with how it ended, whatever the level of the log", "[inspector]") {
  inspected s;
  caf::scoped_actor reader(s.system), admin(s.system);
  s.join(reader);
  s.join(admin, "right", true);
  log_settings off;
  off.level = "off";
  log::configure(off);
  auto audited = [&](caf::scoped_actor& console, const std::string& arguments) {
    auto before = event_ring::instance().newest();
    s.run(console, "change", arguments);
    auto lines = event_ring::instance().after(before, 10);
    return lines.size() == 1 && lines[0].name == "console.audit" ? lines[0].details : std::string();
  };
  auto done = audited(admin, "{}"), dry = audited(reader, R"({"dry_run":true})"), refused = audited(reader, "{}"),
       failed = audited(admin, R"({"fail":1})");
  log::configure({});
  CHECK_THAT(done, Catch::Contains("operator=ann@here admin=true command=change dry_run=false outcome=\"changed=1\""));
  CHECK_THAT(dry, Catch::Contains("admin=false command=change dry_run=true outcome=\"changed=1\""));
  CHECK_THAT(refused, Catch::Contains("outcome=\"refused"));
  CHECK_THAT(failed, Catch::Contains("outcome=\"failed: it cannot be\""));
}

TEST_CASE("unknown commands and bad arguments are refused with a reason", "[inspector]") {
  inspected s;
  caf::scoped_actor console(s.system);
  s.join(console);
  CHECK(kind_of(s.run(console, "nosuch")) == refusal_kind::unknown_command);
  for (auto* bad : {"", "[]", "{", R"({"sort":"beauty"})", R"({"limit":-1})", R"({"limit":1001})", R"({"nosuch":1})",
                    R"({"kind":5})"})
    CHECK(kind_of(s.run(console, "actors", bad)) == refusal_kind::bad_request);
}

TEST_CASE("a console that is gone has to join anew", "[inspector]") {
  inspected s;
  auto console = std::make_unique<caf::scoped_actor>(s.system);
  s.join(*console);
  for (int i = 0; i < 100; ++i) { // more than the consoles that an inspector has at once
    console = nullptr;
    s.sched.run();
    console = std::make_unique<caf::scoped_actor>(s.system);
    REQUIRE(kind_of(s.join(*console)) == refusal_kind::none);
  }
}

TEST_CASE("actors are listed by page, kind, name and order", "[inspector]") {
  inspected s;
  caf::scoped_actor console(s.system);
  s.join(console);
  std::vector<std::unique_ptr<actor_record>> records;
  for (std::uint64_t i = 0; i < 100; ++i) {
    auto& one = records.emplace_back(std::make_unique<actor_record>());
    one->id = 1'000'000 + i;
    one->kind = "test";
    one->name = (i % 2 ? "odd" : "even") + std::to_string(i);
    one->received = one->handled = i;
    one->received += (i * 37) % 100; // waiting
    actor_directory::instance().add(*one);
  }
  auto list = [&](const std::string& arguments) {
    return json::parse(std::get<console_answer>(s.run(console, "actors", arguments)).result);
  };
  auto first = list(R"({"kind":"test","limit":3})");
  CHECK(first["matching"] == 100);
  CHECK(first["more"] == true);
  REQUIRE(first["actors"].size() == 3);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(first["actors"][i]["waiting"] == 99 - i);
  auto next = list(R"({"kind":"test","limit":3,"after":3})");
  CHECK(next["actors"][0]["waiting"] == 96);
  auto last = list(R"({"kind":"test","limit":3,"after":98})");
  CHECK(last["actors"].size() == 2);
  CHECK(last["more"] == false);
  CHECK(list(R"({"name":"odd*","limit":1})")["matching"] == 50);
  CHECK(list(R"({"name":"odd1"})")["actors"][0]["id"] == 1'000'001);
  CHECK(list(R"({"kind":"test","sort":"handled","limit":1})")["actors"][0]["handled"] == 99);
  CHECK(list(R"({"kind":"inspector"})")["actors"][0]["name"] == "a");
  for (auto& one : records)
    actor_directory::instance().remove(*one);
}

TEST_CASE("an inspector says which incarnation its node has now", "[inspector]") {
  inspected s;
  caf::scoped_actor before(s.system), after(s.system);
  CHECK(std::get<console_joined>(s.join(before)).self.incarnation == 1);
  s.incarnation = 7;
  CHECK(std::get<console_joined>(s.join(after)).self.incarnation == 7);
}

TEST_CASE("a node remembers the last four tables, the newest first", "[node_status]") {
  node_status status;
  auto table = make_slot_table({{"s1", "x", 1}});
  for (std::uint64_t epoch = 1; epoch <= 6; ++epoch)
    status.set_table(std::make_shared<const slot_table>(with_epoch(table, epoch)));
  std::vector<std::uint64_t> kept;
  for (auto& one : status.tables())
    kept.push_back(one->epoch());
  CHECK(kept == std::vector<std::uint64_t>{6, 5, 4, 3});
}

TEST_CASE("slots and places are told of any table that is remembered, and of none that is not", "[inspector]") {
  inspected s;
  caf::scoped_actor console(s.system);
  s.join(console);
  CHECK(kind_of(s.run(console, "slots")) == refusal_kind::bad_request); // none yet
  auto first = make_slot_table({{"s1", "redis://me:secret@h:1", 1}, {"s2", "redis://h:2", 3}});
  auto second = rebalance(first, {{"s1", "redis://me:secret@h:1", 1}});
  s.tables = {std::make_shared<const slot_table>(second), std::make_shared<const slot_table>(first)};
  auto get = [&](const std::string& command, const std::string& arguments) {
    return json::parse(std::get<console_answer>(s.run(console, command, arguments)).result);
  };
  auto slots = get("slots", R"({"epoch":1})");
  CHECK(slots["shards"][0]["address"] == "redis://***@h:1");
  CHECK(slots["kept"] == json({2, 1}));
  CHECK(slots["owners"] == encode_slot_runs(first));
  CHECK(slots["shards"][1]["fair"] == 12288.0);
  auto owners = decode_slot_runs(slots["owners"].get<std::string>(), 2);
  CHECK(std::get<std::vector<std::uint16_t>>(owners).size() == slot_count);

  auto now = get("where", R"({"room":"lobby"})"), before = get("where", R"({"room":"lobby","epoch":1})");
  CHECK(now["shard"] == "s1");
  CHECK(before["ranking"].size() == 2);
  CHECK(before["slot"] == now["slot"]);
  auto then = get("where", R"({"user":"ann","with":{"s2":1}})")["would"];
  CHECK(then["moved_slots"] == 8192);
  for (auto* bad :
       {R"({"room":"x","epoch":3})", R"({"room":"x","user":"y"})", R"({})", R"({"room":"x","with":{"s2":0}})",
        R"({"room":"x","without":["s1"]})", R"({"room":"x","without":"s1"})", R"({"room":"x","nosuch":1})"})
    CHECK(kind_of(s.run(console, "where", bad)) == refusal_kind::bad_request);
}
