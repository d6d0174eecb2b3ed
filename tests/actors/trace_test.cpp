#include "actors/trace.hpp"

#include <catch2/catch.hpp>

#include "chat/bus.hpp"
#include "scene.hpp"

using namespace starling;
using namespace std::chrono_literals;

namespace {

/// A tracer under a clock that the test moves.
struct bench {
  trace_switches switches;
  trace_time now{1h};
  tracer all{switches, [this] { return now; }};

  bench(std::size_t count = 1, std::chrono::seconds lasts = 10s) {
    REQUIRE_FALSE(all.begin(plan(count, lasts)));
    REQUIRE(all.start("me"));
  }
  static trace_plan plan(std::size_t count = 1, std::chrono::seconds lasts = 10s, std::string owner = "me") {
    return {trace_kind::room, "lobby", std::move(owner), "ann@here", count, lasts};
  }
  trace_number choose(const room_id& room = "lobby", const user_id& from = "ann", const std::string& key = {}) {
    return all.choose(room, from, key, now, {});
  }
};

std::vector<std::string> hops_of(const traced_message& one) {
  std::vector<std::string> result;
  for (auto& each : one.hops)
    result.emplace_back(hop_name(each.what));
  return result;
}

/// Traces of this process end with the test.
struct process_trace {
  process_trace(trace_kind kind, std::string id) {
    REQUIRE_FALSE(tracer::instance().begin({kind, std::move(id), "me", "ann@here", 1, 10s}));
    REQUIRE(tracer::instance().start("me"));
  }
  ~process_trace() { tracer::instance().end("me"); }
};

} // namespace

TEST_CASE("a trace chooses so many messages and no more", "[trace]") {
  bench b(2);
  CHECK(b.choose("elsewhere") == 0);
  auto first = b.choose(), second = b.choose();
  CHECK(first != 0);
  CHECK(second == first + 1);
  CHECK(b.choose() == 0);
  auto found = b.all.report();
  CHECK(found.on);
  REQUIRE(found.messages.size() == 2);
  CHECK(found.messages[0].from == "ann");
  CHECK(hops_of(found.messages[0]) == std::vector<std::string>{"received", "session"});
}

TEST_CASE("a trace is of a room, of who sends, or of a key", "[trace]") {
  bench b;
  auto next = bench::plan(10);
  next.kind = trace_kind::user;
  next.id = "ann";
  b.all.begin(next);
  b.all.start("me");
  CHECK(b.choose("anywhere", "bob") == 0);
  CHECK(b.choose("anywhere", "ann") != 0);
  next.kind = trace_kind::message;
  next.id = "k1";
  b.all.begin(next);
  b.all.start("me");
  CHECK(b.choose("lobby", "k1", "k2") == 0);
  CHECK(b.choose("lobby", "ann", "k1") != 0);
}

TEST_CASE("a trace chooses nothing before it is started, and no frame that came before it", "[trace]") {
  bench b;
  b.all.begin(bench::plan());
  CHECK(b.choose() == 0);
  b.all.start("me");
  CHECK(b.all.choose("lobby", "ann", {}, {}, {}) == 0);
  CHECK(b.choose() != 0);
}

TEST_CASE("a trace passes messages over that come too fast", "[trace]") {
  bench b(100);
  for (std::size_t i = 0; i < tracer::chosen_per_second; ++i)
    CHECK(b.choose() != 0);
  CHECK(b.choose() == 0);
  CHECK(b.all.report().passed_over == 1);
  b.now += 1s;
  CHECK(b.choose() != 0);
}

TEST_CASE("a trace ends at its deadline by itself", "[trace]") {
  bench b(10, 5s);
  auto one = b.choose();
  b.now += 5s;
  CHECK(b.choose() == 0); // too late to be chosen, but what was chosen goes on
  CHECK(b.switches.on);
  b.all.note(one, hop::room);
  b.now += tracer::last_way_max;
  b.all.note(one, hop::router);
  CHECK_FALSE(b.switches.on);
  auto found = b.all.report();
  CHECK_FALSE(found.on);
  REQUIRE(found.messages.size() == 1); // it can still be read
  CHECK(hops_of(found.messages[0]) == std::vector<std::string>{"received", "session", "room"});
  CHECK_FALSE(b.all.start("me"));
  CHECK_FALSE(b.all.end("me"));
}

TEST_CASE("a trace is its owner's until it is over", "[trace]") {
  bench b;
  auto other = b.all.begin(bench::plan(1, 10s, "other"));
  REQUIRE(other);
  CHECK(other->by == "ann@here");
  CHECK(b.all.left() == 11s);
  CHECK_FALSE(b.all.start("other"));
  CHECK_FALSE(b.all.end("other"));
  CHECK(b.switches.on);
  CHECK_FALSE(b.all.begin(bench::plan(3))); // one's own is put in its place
  CHECK(b.all.end("me"));
  CHECK_FALSE(b.switches.on);
  CHECK_FALSE(b.all.begin(bench::plan(1, 10s, "other")));
}

TEST_CASE("each hop of a message is noted once, with its first time", "[trace]") {
  bench b;
  auto one = b.choose();
  b.all.note(one, hop::room, "first");
  b.now += 1ms;
  b.all.note(one, hop::room, "second");
  b.all.note(one + 1, hop::room); // nobody's
  auto hops = b.all.report().messages.at(0).hops;
  REQUIRE(hops.size() == 3);
  CHECK(hops[2].detail == "first");
  CHECK(hops[2].at == b.now - 1ms);
}

TEST_CASE("a node that did not choose the message knows it by its mark", "[trace]") {
  bench b;
  b.all.note_mark(77, "lobby", {1, 5}, b.now, "shard s1");
  auto text = std::make_shared<const std::string>("frame");
  b.all.note_encoded("lobby", {{1, 4}, 0, "ann", {}}, text, 2);
  b.all.note_encoded("attic", {{1, 5}, 0, "ann", {}}, text, 2);
  CHECK(b.switches.frames == 0);
  b.all.note_encoded("lobby", {{1, 5}, 0, "ann", {}}, text, 2);
  CHECK(b.switches.frames == 1);
  auto found = b.all.report().messages;
  REQUIRE(found.size() == 1);
  CHECK(found[0].number == 77);
  CHECK(found[0].from == "ann");
  CHECK(hops_of(found[0]) == std::vector<std::string>{"publication in", "encoded"});
}

TEST_CASE("writes of a traced frame are counted until all have it, and it is kept so long", "[trace]") {
  bench b;
  b.all.note_mark(77, "lobby", {1, 5}, b.now, {});
  auto text = std::make_shared<const std::string>("frame");
  const auto* end = text->data() + text->size();
  std::weak_ptr<const std::string> watched = text;
  b.all.note_encoded("lobby", {{1, 5}, 0, "ann", {}}, text, 2);
  text.reset();
  CHECK_FALSE(watched.expired());
  b.all.note_written(end - 1, b.now); // another frame's end
  CHECK(b.all.report().messages[0].written == 0);
  b.all.note_written(end, b.now + 2ms);
  b.all.note_written(end, b.now + 1ms); // by another thread
  auto found = b.all.report().messages.at(0);
  CHECK(found.written == 2);
  CHECK(found.hops.back().what == hop::written);
  CHECK(found.hops.back().at == b.now + 1ms);
  CHECK(found.last_written == b.now + 2ms);
  CHECK(b.switches.frames == 0);
  CHECK(watched.expired());
}

TEST_CASE("the end of a trace lets go of the frames that it has watched", "[trace]") {
  bench b;
  b.all.note_mark(77, "lobby", {1, 5}, b.now, {});
  auto text = std::make_shared<const std::string>("frame");
  b.all.note_encoded("lobby", {{1, 5}, 0, "ann", {}}, text, 2);
  CHECK(text.use_count() == 2);
  b.all.end("me");
  CHECK(text.use_count() == 1);
  CHECK(b.switches.frames == 0);
}

TEST_CASE("the messages that a trace notes are bounded", "[trace]") {
  bench b;
  for (trace_number i = 1; i <= tracer::messages_max + 1; ++i)
    b.all.note_mark(i, "lobby", {1, i}, b.now, {});
  auto found = b.all.report();
  CHECK(found.messages.size() == tracer::messages_max);
  CHECK(found.passed_over == 1);
}

TEST_CASE("a mark is read from its line, and no other line is one", "[trace]") {
  auto mark = read_trace_mark("x 77 1 5");
  REQUIRE(mark);
  CHECK(mark->number == 77);
  CHECK(mark->at == log_position{1, 5});
  for (auto* other : {"", "x", "x 77 1", "x a 1 5", "m 1 5 7 ann \"text\":\"x 77 1 5\""})
    CHECK_FALSE(read_trace_mark(other));
  CHECK_FALSE(read_bus("x 77 1 5")); // rooms skip it
}

TEST_CASE("a traced message shows each hop of its way through actors", "[trace]") {
  scene_test::scene s;
  auto room = s.room_on("s1");
  auto anna = s.enter(*s.a, "anna"), bert = s.enter(*s.b, "bert");
  anna.get("room.join", {{"room", room}});
  bert.get("room.join", {{"room", room}});
  process_trace following(trace_kind::user, "anna");
  bert.say(room, "not traced");
  anna.say(room, "one");
  anna.say(room, "two: beyond the count");
  auto found = tracer::instance().report().messages;
  REQUIRE(found.size() == 1);
  CHECK(found[0].room == room);
  CHECK(found[0].at.seq == 2);
  auto names = hops_of(found[0]);
  CHECK(names.size() == 9); // all but "refused" and "written": there are no sockets here
  std::vector<std::string> way{"received", "session", "room", "router", "script sent", "answered", "acknowledged"};
  auto place = names.begin();
  for (auto& name : way) {
    INFO(name);
    place = std::find(place, names.end(), name);
    REQUIRE(place != names.end());
  }
  auto mark = std::find(names.begin(), names.end(), "publication in");
  CHECK(std::find(mark, names.end(), "encoded") != names.end());
  CHECK(found[0].receivers == 1); // of each node
  CHECK(bert.heard_in(room) == scene_test::texts{"not traced", "one", "two: beyond the count"});
}

TEST_CASE("a traced message that is refused shows why", "[trace]") {
  scene_test::scene s;
  auto room = s.room_on("s1");
  auto anna = s.enter(*s.a, "anna"), bert = s.enter(*s.b, "bert");
  anna.get("room.join", {{"room", room}});
  process_trace following(trace_kind::message, "k1");
  bert.call("message.send", {{"room", room}, {"text", "let me in"}, {"key", "k1"}});
  auto found = tracer::instance().report().messages;
  REQUIRE(found.size() == 1);
  CHECK(found[0].hops.back().what == hop::refused);
  CHECK_THAT(found[0].hops.back().detail, Catch::StartsWith("403"));
}

TEST_CASE("while nobody traces, nothing is noted", "[trace]") {
  { process_trace over(trace_kind::user, "nobody"); }
  scene_test::scene s;
  auto room = s.room_on("s1");
  auto anna = s.enter(*s.a, "anna");
  anna.get("room.join", {{"room", room}});
  anna.say(room, "one");
  CHECK(tracer::stamp() == trace_time{});
  CHECK(tracer::write_stamp() == trace_time{});
  CHECK(tracer::instance().report().messages.empty());
}
