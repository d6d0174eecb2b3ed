// A Redis instance comes back with less than it had: what is gone is told, and no number runs backwards.
#include <catch2/catch.hpp>

#include "tests/support/cluster.hpp"
#include "tests/support/crowd.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

/// Epoch and seq of all that a client was told of a room, in the order of their coming: messages, and the ends of gaps.
std::vector<position> told(chat_client& client, const std::string& room) {
  std::vector<position> all;
  for (const auto& f : client.frames()) {
    const auto method = f.content.value("method", "");
    if (method != "message" && method != "room.gap") continue;
    const auto& it = f.content["params"];
    if (it["room"] != room) continue;
    all.push_back({it["epoch"], it[method == "message" ? "seq" : "to"]});
  }
  return all;
}

} // namespace

TEST_CASE("a Redis that comes back with less than it had, or empty, costs that, and all who are there are told",
          "[redis_restart]") {
  const bool empty = GENERATE(true, false);
  CAPTURE(empty);
  cluster c;
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a")), bob(loop, c.as("bob", "b"));
  ann.opened();
  bob.opened();
  const auto rooms = c.room_on_each_shard(ann, "probe-");
  constexpr std::size_t victim = 1;
  for (const auto& room : rooms)
    bob.ask("room.join", {{"room", room}});
  json last;
  for (int i = 0; i < 20; ++i)
    for (const auto& room : rooms) {
      const auto sent = ann.ask("message.send", {{"room", room}, {"text", std::to_string(i)}});
      if (room == rooms[victim]) last = sent;
    }

  c.redis(victim).kill9();
  constexpr std::uintmax_t some_messages = 1'500; // of the commands in its file
  if (empty)
    c.redis(victim).forget();
  else
    c.redis(victim).forget_last(some_messages);
  c.redis(victim).restart();

  json sent;
  CHECK(eventually([&] {
    const auto answer = ann.call("message.send", {{"room", rooms[victim]}, {"text", "anew"}});
    if (verdict(answer) == "ok") sent = answer.result;
    return !sent.is_null();
  }));
  CHECK(sent["epoch"] > last["epoch"]);
  CHECK(sent["seq"] > last["seq"]); // whoever asks by number misses nothing
  for (auto* who : {&ann, &bob}) {
    who->expect("message", {{"room", rooms[victim]}, {"seq", sent["seq"]}}, 5s);
    const auto all = told(*who, rooms[victim]);
    CHECK(std::is_sorted(all.begin(), all.end()));
    for (std::size_t s = 0; s < rooms.size(); ++s)
      CHECK(who->count("room.gap", {{"room", rooms[s]}}) == (s == victim ? 1u : 0u));
  }
  // Both are members still, by what their nodes knew.
  CHECK(bob.ask("room.who", {{"room", rooms[victim]}})["users"] == json{"ann", "bob"});
  const auto history = bob.ask("room.history", {{"room", rooms[victim]}});
  if (empty)
    CHECK(history["messages"].size() == 1);
  else
    CHECK((history["messages"].size() > 1 && history["messages"].size() < 21));
}
