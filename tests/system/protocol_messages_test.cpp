// docs/PROTOCOL.md to the letter: messages, dialogues, marks, history.
#include <algorithm>
#include <string_view>

#include <catch2/catch.hpp>

#include "tests/support/cluster.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

/// RFC 3339 in UTC with milliseconds.
bool is_time(const json& at) {
  constexpr std::string_view form = "0000-00-00T00:00:00.000Z"; // a zero stands for any digit
  if (!at.is_string()) return false;
  const auto& text = at.get_ref<const std::string&>();
  return std::equal(text.begin(), text.end(), form.begin(), form.end(),
                    [](char c, char like) { return like == '0' ? c >= '0' && c <= '9' : c == like; });
}

std::vector<std::uint64_t> numbers(const json& messages) {
  std::vector<std::uint64_t> result;
  for (const auto& m : messages)
    result.push_back(m["seq"]);
  return result;
}

std::vector<std::uint64_t> from_to(std::uint64_t first, std::uint64_t last) {
  std::vector<std::uint64_t> result;
  for (auto n = first; n <= last; ++n)
    result.push_back(n);
  return result;
}

} // namespace

TEST_CASE("a message reaches every connection of every member, the sender's too, as it was sent",
          "[protocol][messages]") {
  cluster c({.shards = 1});
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a"));
  chat_client ann_too(loop, c.as("ann", "b"));
  chat_client bob(loop, c.as("bob", "b"));
  for (auto* who : {&ann, &ann_too, &bob})
    who->opened();
  ann.ask("room.join", {{"room", "tea"}});
  bob.ask("room.join", {{"room", "tea"}});
  CHECK(eventually([&] { return ann_too.ask("room.list")["rooms"].size() == 1; }));

  const auto sent = ann.ask("message.send", {{"room", "tea"}, {"text", "plain"}});
  CHECK(sent.size() == 4);
  CHECK(sent["room"] == "tea");
  CHECK(sent["seq"] == 1);
  CHECK(sent["epoch"].is_number_unsigned());
  CHECK(is_time(sent["at"]));
  auto expected = sent;
  expected.update({{"from", "ann"}, {"text", "plain"}});
  for (auto* who : {&ann, &ann_too, &bob})
    CHECK(who->expect("message", {{"seq", 1}}) == expected);

  // Whatever a JSON string and `data` may hold comes out as it went in.
  const std::vector<json> contents = {
      {{"text", ""}},
      {{"text", "quotes \" and \\ and / and \n\t and \x01"}},
      {{"text", "ümläute, 漢字, 🐦, \u2028"}},
      {{"text", std::string("a\0b", 3)}},
      {{"text", "with data"}, {"data", {{"list", {1, 2.5, -3, nullptr, true}}, {"deep", {{"er", {{"est", "x"}}}}}}}},
      {{"text", "data null"}, {"data", nullptr}},
      {{"text", "data string"}, {"data", "just text"}},
      {{"text", "data and key"}, {"data", json::array()}, {"key", "a key \"of\" words"}},
      {{"text", std::string(16 * 1024, 'x')}},
  };
  std::uint64_t seq = 1;
  for (const auto& content : contents) {
    auto params = content;
    params["room"] = "tea";
    CHECK(ann.ask("message.send", params)["seq"] == ++seq);
    for (auto* who : {&ann, &ann_too, &bob}) {
      const auto m = who->expect("message", {{"seq", seq}});
      for (const auto* member : {"text", "data", "key"}) {
        INFO(member);
        CHECK(m.contains(member) == content.contains(member));
        if (content.contains(member)) CHECK(m[member] == content[member]);
      }
    }
  }
  // So it does from the log.
  const auto log = bob.ask("room.history", {{"room", "tea"}})["messages"];
  REQUIRE(log.size() == contents.size() + 1);
  CHECK(log[0] == expected);
  for (std::size_t i = 0; i < contents.size(); ++i)
    CHECK(contains(log[i + 1], contents[i]));

  // Too much
  CHECK(verdict(ann.call("message.send", {{"room", "tea"}, {"text", std::string(16 * 1024 + 1, 'x')}})) ==
        "413, final");
  CHECK(verdict(ann.call("message.send", {{"room", "tea"}, {"text", ""}, {"data", std::string(8 * 1024, 'x')}})) ==
        "413, final");
  CHECK(
      ann.call("message.send", {{"room", "tea"}, {"text", ""}, {"key", std::string(65, 'k')}}).error["data"]["param"] ==
      "key");
  CHECK(verdict(ann.call("room.create", {{"room", "titled"}, {"title", std::string(257, 't')}})) == "413, final");
  CHECK(verdict(ann.call("message.send", {{"room", "nowhere"}, {"text", "?"}})) == "404, final");

  // As a notification it is sent, and not answered.
  ann.notify("message.send", {{"room", "tea"}, {"text", "no answer wanted"}});
  CHECK_NOTHROW(bob.expect("message", {{"text", "no answer wanted"}}));
}

TEST_CASE("a repeated send with the same key answers the first result and is delivered once", "[protocol][messages]") {
  cluster c({.shards = 1});
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a"));
  chat_client ann_too(loop, c.as("ann", "b"));
  chat_client bob(loop, c.as("bob", "b"));
  for (auto* who : {&ann, &ann_too, &bob})
    who->opened();
  for (const auto* room : {"tea", "milk"}) {
    ann.ask("room.join", {{"room", room}});
    bob.ask("room.join", {{"room", room}});
  }
  const json params = {{"room", "tea"}, {"text", "once"}, {"key", "k1"}};
  const auto first = ann.ask("message.send", params);
  CHECK(ann.ask("message.send", params) == first);
  CHECK(ann_too.ask("message.send", params) == first); // from another node, as after a reconnect
  // Another key, another sender, another room: another message.
  CHECK(ann.ask("message.send", {{"room", "tea"}, {"text", "other key"}, {"key", "k2"}})["seq"] == 2);
  CHECK(bob.ask("message.send", params)["seq"] == 3);
  CHECK(ann.ask("message.send", {{"room", "milk"}, {"text", "once"}, {"key", "k1"}})["seq"] == 1);
  bob.expect("message", {{"room", "tea"}, {"seq", 3}});
  CHECK(bob.count("message", {{"room", "tea"}}) == 3);
  CHECK(bob.count("message", {{"room", "tea"}, {"seq", 1}, {"key", "k1"}}) == 1);
}

TEST_CASE("a dialogue is made by the first message to a user and is nobody else's business", "[protocol][messages]") {
  cluster c({.shards = 2});
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a"));
  chat_client bob(loop, c.as("bob", "b"));
  chat_client eve(loop, c.as("eve", "a"));
  for (auto* who : {&ann, &bob, &eve})
    who->opened();

  const auto sent = bob.ask("message.send", {{"to", "ann"}, {"text", "psst"}});
  CHECK(sent["room"] == "dm:ann:bob");
  CHECK(contains(ann.expect("message", {{"room", "dm:ann:bob"}}), {{"from", "bob"}, {"text", "psst"}, {"seq", 1}}));
  CHECK_NOTHROW(bob.expect("message", {{"room", "dm:ann:bob"}}));
  const auto answer = ann.ask("message.send", {{"to", "bob"}, {"text", "what?"}, {"key", "k"}});
  CHECK(contains(answer, {{"room", "dm:ann:bob"}, {"seq", 2}}));
  CHECK(ann.ask("message.send", {{"to", "bob"}, {"text", "what?"}, {"key", "k"}}) == answer);
  CHECK(ann.ask("message.send", {{"room", "dm:ann:bob"}, {"text", "by its name"}})["seq"] == 3);
  CHECK(contains(ann.ask("room.info", {{"room", "dm:ann:bob"}}), {{"kind", "dialogue"}, {"members", 2}}));
  CHECK_NOTHROW(bob.expect("message", {{"seq", 3}}));

  // Names in byte order: capitals come first.
  CHECK(ann.ask("message.send", {{"to", "Zoe"}, {"text", "you are not here"}})["room"] == "dm:Zoe:ann");
  chat_client zoe(loop, c.as("Zoe", "b"));
  const auto waiting = zoe.opened()["rooms"];
  REQUIRE(waiting.size() == 1);
  CHECK(contains(waiting[0], {{"room", "dm:Zoe:ann"}, {"seq", 1}, {"read", 0}}));
  CHECK(zoe.ask("room.history", {{"room", "dm:Zoe:ann"}})["messages"][0]["text"] == "you are not here");

  for (const auto* method : {"room.info", "room.join", "room.history", "room.who"}) {
    INFO(method);
    CHECK(verdict(eve.call(method, {{"room", "dm:ann:bob"}})) == "404, final");
  }
  CHECK(verdict(eve.call("message.send", {{"room", "dm:ann:bob"}, {"text", "me too"}})) == "404, final");
  CHECK(verdict(ann.call("room.add", {{"room", "dm:ann:bob"}, {"user", "eve"}})) == "403, final");
  CHECK(verdict(eve.call("room.create", {{"room", "dm:eve:fay"}})) == "-32602, final"); // the server's own names
  CHECK(ann.call("message.send", {{"to", "not a user!"}, {"text", ""}}).error["data"]["param"] == "to");
}

TEST_CASE("the read mark moves forward only, is told to the others, and is there at the next opening",
          "[protocol][messages]") {
  cluster c({.shards = 1});
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a"));
  chat_client bob(loop, c.as("bob", "b"));
  ann.opened();
  bob.opened();
  ann.ask("room.join", {{"room", "tea"}});
  bob.ask("room.join", {{"room", "tea"}});
  for (int i = 0; i < 5; ++i)
    ann.ask("message.send", {{"room", "tea"}, {"text", "read me"}});

  const auto mark_of_bob = [&] {
    chat_client next(loop, c.as("bob", "a"));
    return next.opened()["rooms"][0]["read"].get<std::uint64_t>();
  };
  CHECK(mark_of_bob() == 0);
  CHECK(bob.ask("message.read", {{"room", "tea"}, {"seq", 3}}) == json::object());
  CHECK(ann.expect("read", {{"user", "bob"}}) == json{{"room", "tea"}, {"user", "bob"}, {"seq", 3}});
  CHECK(mark_of_bob() == 3);
  CHECK(bob.ask("message.read", {{"room", "tea"}, {"seq", 1}}) == json::object());
  CHECK(mark_of_bob() == 3);
  CHECK(bob.ask("message.read", {{"room", "tea"}, {"seq", 5}}) == json::object());
  CHECK_NOTHROW(ann.expect("read", {{"user", "bob"}, {"seq", 5}}));
  CHECK(ann.count("read", {{"seq", 1}}) == 0); // what did not move is not told
  CHECK(mark_of_bob() == 5);
}

TEST_CASE("history and sync give what the log holds, page by page", "[protocol][messages]") {
  cluster c({.shards = 2, .set = {"limits.requests_per_second=100000", "limits.requests_burst=100000"}});
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a"));
  chat_client bob(loop, c.as("bob", "b"));
  ann.opened();
  bob.opened();
  const auto made = ann.ask("room.create", {{"room", "log"}, {"members", {"bob"}}});
  ann.ask("room.create", {{"room", "empty"}, {"members", {"bob"}}});
  for (int i = 1; i <= 320; ++i)
    ann.ask("message.send", {{"room", "log"}, {"text", std::to_string(i)}});

  const auto history = [&](json params) {
    params["room"] = "log";
    return bob.ask("room.history", params);
  };
  const auto check = [&](const json& params, std::uint64_t first, std::uint64_t last, bool more) {
    INFO(params.dump());
    const auto page = history(params);
    CHECK(page["epoch"] == made["epoch"]);
    CHECK(numbers(page["messages"]) == from_to(first, last));
    CHECK(page["more"] == more);
    for (const auto& m : page["messages"]) {
      CHECK(contains(m, {{"room", "log"}, {"epoch", made["epoch"]}, {"from", "ann"}, {"text", m["seq"].dump()}}));
      CHECK(is_time(m["at"]));
    }
  };
  check(json::object(), 271, 320, true); // the newest 50
  check({{"limit", 300}}, 21, 320, true);
  check({{"limit", 1}}, 320, 320, true);
  check({{"before", 51}}, 1, 50, false);
  check({{"before", 52}}, 2, 51, true);
  check({{"before", 52}, {"limit", 10}}, 42, 51, true);
  check({{"before", 1}}, 1, 0, false);
  check({{"before", 1000}, {"limit", 5}}, 316, 320, true);
  check({{"after", 300}}, 301, 320, false);
  check({{"after", 0}, {"limit", 10}}, 1, 10, true);
  check({{"after", 270}}, 271, 320, false);
  check({{"after", 269}}, 270, 319, true);
  check({{"after", 320}}, 1, 0, false);
  for (const auto& limit : {json(0), json(301), json(-1), json("50"), json(1.5)}) {
    INFO(limit.dump());
    const auto refused = bob.call("room.history", {{"room", "log"}, {"limit", limit}});
    CHECK(refused.code() == -32602);
    CHECK(refused.error["data"]["param"] == "limit");
  }

  // room.sync: many rooms at once, at most 300 messages of each
  auto synced = bob.ask("room.sync", {{"rooms", {{"log", 310}, {"empty", 0}}}})["rooms"];
  CHECK(synced.size() == 2);
  CHECK(synced["log"]["epoch"] == made["epoch"]);
  CHECK(numbers(synced["log"]["messages"]) == from_to(311, 320));
  CHECK(synced["log"]["more"] == false);
  CHECK(synced["empty"]["messages"] == json::array());
  CHECK(synced["empty"]["more"] == false);
  synced = bob.ask("room.sync", {{"rooms", {{"log", 5}}}})["rooms"];
  CHECK(numbers(synced["log"]["messages"]) == from_to(6, 305));
  CHECK(synced["log"]["more"] == true);
  CHECK(bob.ask("room.sync", {{"rooms", json::object()}})["rooms"] == json::object());
  // room.join since: the same bound
  const auto joined = bob.ask("room.join", {{"room", "log"}, {"since", 0}});
  CHECK(numbers(joined["messages"]) == from_to(1, 300));
  CHECK(joined["more"] == true);
}

TEST_CASE("typing is passed on, at most once a second per room, and kept nowhere", "[protocol][messages]") {
  cluster c({.shards = 1});
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a"));
  chat_client bob(loop, c.as("bob", "b"));
  ann.opened();
  bob.opened();
  for (const auto* room : {"tea", "milk"}) {
    ann.ask("room.join", {{"room", room}});
    bob.ask("room.join", {{"room", room}});
  }
  const auto begin = steady::now();
  for (int i = 0; i < 10; ++i)
    for (const auto* room : {"tea", "milk"})
      ann.notify("typing", {{"room", room}});
  CHECK(bob.expect("typing", {{"room", "tea"}}) == json{{"room", "tea"}, {"user", "ann"}});
  CHECK_NOTHROW(bob.expect("typing", {{"room", "milk"}}));
  // What was said behind them has come: no further one is on its way.
  for (const auto* room : {"tea", "milk"})
    ann.ask("message.send", {{"room", room}, {"text", "said"}});
  for (const auto* room : {"tea", "milk"})
    bob.expect("message", {{"room", room}});
  if (steady::now() - begin < 1s) {
    CHECK(bob.count("typing", {{"room", "tea"}}) == 1);
    CHECK(bob.count("typing", {{"room", "milk"}}) == 1);
  }
  // And later again.
  bob.forget();
  CHECK(eventually([&] {
    ann.notify("typing", {{"room", "tea"}});
    return bob.count("typing", {{"room", "tea"}}) == 1;
  }));
  CHECK(steady::now() - begin > 900ms);
  CHECK(bob.ask("room.history", {{"room", "tea"}})["messages"].size() == 1);
}
