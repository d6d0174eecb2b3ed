#include <caf/scoped_actor.hpp>
#include <catch2/catch.hpp>

#include "actors/counters.hpp"
#include "scene.hpp"

using namespace scene_test;

namespace {

/// Anna at node a and Bert at node b, both in one room.
struct two_nodes : scene {
  room_id room = room_on("s1");
  person anna = enter(*a, "anna"), bert = enter(*b, "bert");

  two_nodes() {
    anna.get("room.join", {{"room", room}});
    bert.get("room.join", {{"room", room}});
  }
};

} // namespace

TEST_CASE("what is said at one node reaches members at both, once and in order", "[nodes]") {
  two_nodes s;
  auto anna_too = s.enter(*s.a, "anna");
  texts said;
  for (int i = 1; i <= 20; ++i) {
    auto text = std::to_string(i);
    (i % 3 ? s.anna : s.bert).ask("message.send", {{"room", s.room}, {"text", text}});
    if (i % 7 == 0) s.settle();
  }
  s.settle();
  auto heard = s.anna.heard_in(s.room);
  CHECK(heard.size() == 20);
  CHECK(s.bert.heard_in(s.room) == heard);
  CHECK(anna_too.heard_in(s.room) == heard);
  numbers expected;
  for (std::uint64_t i = 1; i <= 20; ++i)
    expected.push_back(i);
  CHECK(s.anna.seqs_in(s.room) == expected);
  CHECK(s.bert.seqs_in(s.room) == expected);
  // Each sender's own messages come in the order in which they were sent.
  for (auto by_anna : {true, false}) {
    std::vector<int> mine;
    for (auto& text : heard)
      if ((std::stoi(text) % 3 != 0) == by_anna) mine.push_back(std::stoi(text));
    CHECK(std::is_sorted(mine.begin(), mine.end()));
  }
}

TEST_CASE("a message is acknowledged only when it is in the log", "[nodes]") {
  two_nodes s;
  auto id = s.anna.ask("message.send", {{"room", s.room}, {"text", "hello"}});
  s.run_actors(); // the script is on its way to Redis
  REQUIRE_FALSE(s.posted.empty());
  CHECK(s.anna.answer_to(id).is_null());
  CHECK(s.anna.heard_in(s.room).empty());

  s.settle();
  auto result = s.anna.answer_to(id)["result"];
  auto log = s.bert.get("room.history", {{"room", s.room}});
  REQUIRE(log["messages"].size() == 1);
  CHECK(log["messages"][0]["seq"] == result["seq"]);
  CHECK(log["messages"][0]["at"] == result["at"]);
  CHECK(log["messages"][0]["from"] == "anna");
}

TEST_CASE("a message that cannot be put into the log is not acknowledged", "[nodes]") {
  two_nodes s;
  auto id = s.anna.ask("message.send", {{"room", s.room}, {"text", "hello"}});
  s.run_actors();
  s.a->link("s1")->fail("lost with the call");
  s.settle();
  CHECK(s.anna.answer_to(id)["error"]["code"] == 503);
  CHECK(s.bert.heard_in(s.room).empty());
  CHECK(s.bert.get("room.history", {{"room", s.room}})["messages"].empty());
}

TEST_CASE("publications that nobody on a node reads are counted, and no others", "[nodes]") {
  two_nodes s;
  auto in_vain = [] { return actor_counters::instance().publications_in_vain.load(); };
  auto before = in_vain();
  s.anna.say(s.room, "one");
  CHECK(s.bert.heard_in(s.room) == texts{"one"});
  CHECK(in_vain() == before);

  s.bert.get("room.leave", {{"room", s.room}});
  s.pass(s.settings.timings.room_idle + 1s);
  before = in_vain();
  s.anna.say(s.room, "two"); // the channel is no longer subscribed at node b
  CHECK(in_vain() == before);
  s.b->link("s1")->subscribe({channel_of({tail_kind::room, s.room})}); // unknown to the actor
  s.settle();
  s.anna.ask("message.send", {{"room", s.room}, {"text", "three"}});
  s.anna.ask("message.send", {{"room", s.room}, {"text", "four"}});
  s.settle();
  CHECK(s.anna.heard_in(s.room) == texts{"one", "two", "three", "four"});
  CHECK(in_vain() == before + 2);
}

TEST_CASE("a lost publication is repaired by the next one at once", "[nodes]") {
  two_nodes s;
  s.b->link("s1")->drop_publications(1);
  s.anna.say(s.room, "one");
  CHECK(s.b->link("s1")->dropped_publications() == 1);
  CHECK(s.bert.heard_in(s.room).empty());
  s.anna.say(s.room, "two");
  CHECK(s.bert.heard_in(s.room) == texts{"one", "two"});
  CHECK(s.anna.heard_in(s.room) == texts{"one", "two"});
}

TEST_CASE("a lost publication that nothing follows is repaired by the check of the tail", "[nodes]") {
  two_nodes s;
  s.b->link("s1")->drop_publications(3);
  for (auto* text : {"one", "two", "three"})
    s.anna.say(s.room, text);
  CHECK(s.bert.heard_in(s.room).empty());
  s.pass(s.settings.timings.tail_check + 500ms);
  CHECK(s.bert.heard_in(s.room) == texts{"one", "two", "three"});
  s.pass(2 * s.settings.timings.tail_check);
  CHECK(s.bert.heard_in(s.room).size() == 3);
  CHECK(s.bert.heard("room.gap").empty());
}

TEST_CASE("as long as news come, the log is not read for those that are late", "[nodes]") {
  two_nodes s;
  auto epoch = s.anna.get("message.send", {{"room", s.room}, {"text", "one"}})["epoch"].get<std::uint64_t>();
  auto reads = [&] { return s.servers["s1"]->runs_of(*s.scripts->find("room_range")); };
  auto before = reads();
  // The check of the tail has seen eight more messages; of the members it knows what the room knows.
  feed_moved further{{tail_kind::room, s.room}, {{epoch, 9}, 2}};
  caf::anon_send(s.room_at(*s.b, s.room, "bert"), further);
  for (auto* text : {"two", "three"}) {
    s.anna.say(s.room, text);
    s.pass(500ms);
    CHECK(reads() == before);
  }
  s.pass(500ms);
  CHECK(reads() == before + 1);
}

TEST_CASE("the tails of a shard are not read while nobody writes to it", "[nodes]") {
  two_nodes s;
  auto runs = [&](const char* script) { return s.servers["s1"]->runs_of(*s.scripts->find(script)); };
  auto check = s.settings.timings.tail_check;
  s.pass(2 * check); // what came about at first has been looked at
  auto tails = runs("tails"), changes = runs("changes");
  s.pass(3 * check);
  CHECK(runs("tails") == tails);
  CHECK(runs("changes") > changes);

  s.anna.say(s.room, "one");
  s.pass(check + check / 10);
  CHECK(runs("tails") > tails);
  s.b->link("s1")->drop_publications(1);
  s.anna.say(s.room, "two");
  s.pass(check + check / 10 + 500ms);
  CHECK(s.bert.heard_in(s.room) == texts{"one", "two"});
}

TEST_CASE("who comes with what the shard said is asked for again if the room has heard of something newer", "[nodes]") {
  two_nodes s;
  auto info_runs = [&] { return s.servers["s1"]->runs_of(*s.scripts->find("room_info")); };
  auto attend_with = [&](room_description known) {
    caf::scoped_actor session(s.system);
    attend what{s.room, "bert", 77, std::make_shared<screen>(), {}, std::move(known)};
    auto asked = session->request(s.room_at(*s.a, s.room, "anna"), caf::infinite, std::move(what));
    s.settle();
    auto result = errc::none;
    asked.receive([](const attended&) {}, [&](const caf::error& error) { result = to_client_error(error).code; });
    return result;
  };
  auto tail = s.anna.say(s.room, "one");
  auto epoch = s.anna.heard("message").back()["epoch"].get<std::uint64_t>();
  room_description then{room_kind::public_room, {}, {epoch, tail}, 2, 2, room_role::member};
  s.room_at(*s.a, s.room, "anna");
  auto before = info_runs();
  CHECK(attend_with(then) == errc::none);
  CHECK(info_runs() == before + 1); // room_at's own

  s.bert.get("room.leave", {{"room", s.room}});
  CHECK(attend_with(then) == errc::no_such_room);
}

TEST_CASE("first messages to a user, sent one upon the other, keep their order and make one dialogue", "[nodes]") {
  scene s;
  auto anna = s.enter(*s.a, "anna"), bert = s.enter(*s.b, "bert");
  std::vector<int> asked;
  for (auto* text : {"one", "two", "three"})
    asked.push_back(anna.ask("message.send", {{"to", "bert"}, {"text", text}}));
  s.settle();
  std::uint64_t seq = 0;
  for (auto id : asked) {
    auto answer = anna.answer_to(id);
    INFO(answer);
    CHECK(answer["result"]["room"] == "dm:anna:bert");
    CHECK(answer["result"]["seq"] == ++seq);
  }
  for (auto* who : {&anna, &bert}) {
    CHECK(who->heard_in("dm:anna:bert") == texts{"one", "two", "three"});
    CHECK(who->heard("member").size() == 1);
    CHECK(who->get("room.list", json::object())["rooms"].size() == 1);
  }
}

TEST_CASE("two users who write to each other for the first time at the same moment make one dialogue", "[nodes]") {
  scene s;
  auto anna = s.enter(*s.a, "anna"), bert = s.enter(*s.b, "bert");
  for (auto* text : {"1", "2", "3"}) {
    anna.ask("message.send", {{"to", "bert"}, {"text", std::string("anna ") + text}});
    bert.ask("message.send", {{"to", "anna"}, {"text", std::string("bert ") + text}});
  }
  s.settle();
  CHECK(anna.seqs_in("dm:anna:bert") == numbers{1, 2, 3, 4, 5, 6});
  CHECK(bert.seqs_in("dm:anna:bert") == numbers{1, 2, 3, 4, 5, 6});
  CHECK(anna.heard_in("dm:anna:bert") == bert.heard_in("dm:anna:bert"));
  CHECK(anna.get("room.list", json::object())["rooms"].size() == 1);
}

TEST_CASE("who takes a seat is told what of the log is gone for good", "[nodes]") {
  two_nodes s;
  for (auto* text : {"1", "2", "3", "4", "5"})
    s.anna.say(s.room, text);
  auto epoch = s.anna.heard("message").back()["epoch"].get<std::uint64_t>();
  for (auto* seq : {"2", "5"})
    s.servers["s1"]->command({"XDEL", "room:log:" + s.room, std::to_string(epoch) + "-" + seq});
  auto gaps_before = actor_counters::instance().gaps_told.load();

  auto window = std::make_shared<screen>();
  attend late{s.room, "anna", 77, window, {nullptr, 0}};
  caf::anon_send(s.room_at(*s.a, s.room, "anna"), late);
  s.settle();
  texts told;
  for (auto& frame : window->frames) {
    auto& params = frame["params"];
    if (frame["method"] == "message") told.push_back(params["text"]);
    if (frame["method"] == "room.gap")
      told.push_back("gone " + to_string(params["from"]) + " to " + to_string(params["to"]));
  }
  CHECK(told == texts{"1", "gone 2 to 2", "3", "4", "gone 5 to 5"});
  CHECK(actor_counters::instance().gaps_told - gaps_before == 2);

  s.anna.say(s.room, "6"); // the seat is taken
  CHECK(window->frames.back()["params"]["text"] == "6");
}

TEST_CASE("a join is answered though a check finds the longer list of rooms before", "[nodes]") {
  scene s;
  auto room = s.room_on("s1");
  auto user = s.user_on("s2", "joins");
  auto anna = s.enter(*s.a, user);
  auto list_version = [&] { return s.servers["s2"]->command({"HGET", "user:" + user, "rooms"}).to_string(); };
  auto before = list_version();
  auto id = anna.ask("room.join", {{"room", room}});
  while (list_version() == before) {
    s.run_actors();
    REQUIRE(s.run_posted());
  }
  for (auto left = s.settings.timings.tail_check; left > 0ms; left -= 100ms) { // the rest of the join is held up
    s.sched.advance_time(100ms);
    s.run_actors();
  }
  s.settle();
  CHECK(anna.answer_to(id)["result"]["room"] == room);
  CHECK(anna.heard("member").empty()); // the answer says it
  anna.say(room, "hello");
  CHECK(anna.heard_in(room) == texts{"hello"});
}
