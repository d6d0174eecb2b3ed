// docs/PROTOCOL.md to the letter: rooms, their members, and who may do what.
#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/support/cluster.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> names(const json& list) {
  std::vector<std::string> result;
  for (const auto& item : list)
    result.push_back(item.is_object() ? item.value("user", "") : item.get<std::string>());
  std::sort(result.begin(), result.end());
  return result;
}

using name_list = std::vector<std::string>;

} // namespace

TEST_CASE("rooms are created, joined, described, listed and left", "[protocol][rooms]") {
  cluster c({.shards = 1});
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a"));
  chat_client bob(loop, c.as("bob", "b"));
  chat_client cid(loop, c.as("cid", "b"));
  for (auto* who : {&ann, &bob, &cid})
    who->opened();

  // room.create
  const auto made = ann.ask("room.create", {{"room", "tea"}, {"title", "Tea & co"}});
  CHECK(contains(
      made,
      {{"room", "tea"}, {"title", "Tea & co"}, {"kind", "public"}, {"seq", 0}, {"members", 1}, {"role", "owner"}}));
  CHECK(made["epoch"].is_number_unsigned());
  CHECK(verdict(ann.call("room.create", {{"room", "tea"}})) == "409, final");
  CHECK(verdict(bob.call("room.create", {{"room", "tea"}})) == "409, final");

  // room.create with members: they are in it from the first message on
  const auto board = ann.ask("room.create", {{"room", "board"}, {"kind", "private"}, {"members", {"bob", "dan"}}});
  CHECK(contains(board, {{"kind", "private"}, {"members", 3}, {"role", "owner"}}));
  CHECK(eventually([&] { return bob.ask("room.list")["rooms"].size() == 1; }));
  const auto first = ann.ask("message.send", {{"room", "board"}, {"text", "welcome"}});
  CHECK_NOTHROW(bob.expect("message", {{"room", "board"}, {"seq", first["seq"]}, {"text", "welcome"}}));
  chat_client dan(loop, c.as("dan", "a"));
  const auto dans = dan.opened()["rooms"];
  REQUIRE(dans.size() == 1);
  CHECK(dans[0] == json{{"room", "board"}, {"epoch", first["epoch"]}, {"seq", first["seq"]}, {"read", 0}});

  // room.join, and what those inside are told
  const auto joined = bob.ask("room.join", {{"room", "tea"}});
  CHECK(contains(joined,
                 {{"room", "tea"}, {"title", "Tea & co"}, {"kind", "public"}, {"members", 2}, {"role", "member"}}));
  CHECK(!joined.contains("messages"));
  CHECK(contains(ann.expect("member", {{"room", "tea"}, {"user", "bob"}}), {{"change", "joined"}, {"by", "bob"}}));
  // A public room that does not exist is made; the first owns it.
  CHECK(contains(cid.ask("room.join", {{"room", "new"}}),
                 {{"room", "new"}, {"kind", "public"}, {"members", 1}, {"role", "owner"}}));
  CHECK(bob.ask("room.join", {{"room", "new"}})["role"] == "member");
  // Who is in already is simply told.
  CHECK(contains(bob.ask("room.join", {{"room", "new"}}), {{"members", 2}, {"role", "member"}}));
  CHECK(cid.count("member", {{"room", "new"}, {"user", "bob"}}) == 1);

  // room.join with since: what was said after it, at most 300
  json last;
  for (int i = 0; i < 5; ++i)
    last = ann.ask("message.send", {{"room", "tea"}, {"text", std::to_string(i)}});
  const auto caught_up = cid.ask("room.join", {{"room", "tea"}, {"since", 2}});
  REQUIRE(caught_up["messages"].size() == 3);
  CHECK(caught_up["messages"][0]["seq"] == 3);
  CHECK(caught_up["messages"][2]["seq"] == last["seq"]);
  CHECK(caught_up["more"] == false);
  CHECK(caught_up["seq"] == 5);
  CHECK(cid.ask("room.join", {{"room", "tea"}, {"since", 5}})["messages"] == json::array());

  // room.info
  const auto info = cid.ask("room.info", {{"room", "tea"}});
  CHECK(info == json{{"room", "tea"},
                     {"title", "Tea & co"},
                     {"kind", "public"},
                     {"epoch", made["epoch"]},
                     {"seq", 5},
                     {"members", 3},
                     {"role", "member"}});
  CHECK(verdict(cid.call("room.info", {{"room", "nowhere"}})) == "404, final");

  // room.list: of the caller
  auto listed = bob.ask("room.list")["rooms"];
  std::vector<std::string> rooms;
  for (const auto& r : listed) {
    rooms.push_back(r["room"]);
    for (const auto* member : {"title", "kind", "epoch", "seq", "members", "role"})
      CHECK(r.contains(member));
  }
  std::sort(rooms.begin(), rooms.end());
  CHECK(rooms == name_list{"board", "new", "tea"});

  // room.leave
  CHECK(bob.ask("room.leave", {{"room", "tea"}}) == json::object());
  CHECK(contains(ann.expect("member", {{"room", "tea"}, {"user", "bob"}, {"change", "left"}}), {{"by", "bob"}}));
  bob.forget();
  ann.ask("message.send", {{"room", "tea"}, {"text", "he is gone"}});
  ann.ask("message.send", {{"room", "board"}, {"text", "he is here"}});
  bob.expect("message", {{"room", "board"}});
  CHECK(bob.count("message", {{"room", "tea"}}) == 0);
  CHECK(verdict(bob.call("message.send", {{"room", "tea"}, {"text", "hello?"}})) == "403, final");
  CHECK(verdict(bob.call("room.leave", {{"room", "nowhere"}})) == "404, final");
  CHECK(ann.ask("room.info", {{"room", "tea"}})["members"] == 2);
  // When the owner leaves somebody else owns the room.
  ann.ask("room.leave", {{"room", "tea"}});
  CHECK(cid.ask("room.info", {{"room", "tea"}})["role"] == "owner");
}

TEST_CASE("a private room looks to outsiders like one that does not exist, in a public one they may not act",
          "[protocol][rooms]") {
  cluster c({.shards = 1});
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a"));
  chat_client eve(loop, c.as("eve", "b"));
  ann.opened();
  eve.opened();
  ann.ask("room.create", {{"room", "secret"}, {"kind", "private"}});
  ann.ask("room.create", {{"room", "open"}});
  for (const auto* room : {"secret", "open"})
    ann.ask("message.send", {{"room", room}, {"text", "inside"}});

  const std::vector<std::pair<std::string, json>> acts = {
      {"message.send", {{"text", "knock"}}}, {"room.history", json::object()},   {"room.who", json::object()},
      {"message.read", {{"seq", 1}}},        {"room.leave", json::object()},     {"room.members", json::object()},
      {"room.add", {{"user", "eve"}}},       {"room.remove", {{"user", "ann"}}}, {"room.info", json::object()},
      {"room.join", json::object()},
  };
  for (const auto& [method, params] : acts) {
    auto there = params, nowhere = params;
    there["room"] = "secret";
    nowhere["room"] = "nowhere";
    INFO(method);
    const auto answer = eve.call(method, there);
    CHECK(verdict(answer) == "404, final");
    if (method != "room.join")                                // which makes it
      CHECK(answer.error == eve.call(method, nowhere).error); // not even the words differ
  }
  for (const auto* method : {"message.send", "room.history", "room.who", "message.read", "room.add", "room.remove"}) {
    INFO(method);
    const auto params =
        std::find_if(acts.begin(), acts.end(), [&](const auto& a) { return a.first == method; })->second;
    auto there = params;
    there["room"] = "open";
    CHECK(verdict(eve.call(method, there)) == "403, final");
  }
  CHECK(verdict(eve.call("room.create", {{"room", "secret"}})) == "409, final");
  // Nothing of either room was pushed to her.
  CHECK(eve.count("message") == 0);
  CHECK(eve.count("member") == 0);
  // Told in room.info of a public room: what it is, and that she is not in it.
  CHECK(contains(eve.ask("room.info", {{"room", "open"}}), {{"kind", "public"}, {"members", 1}, {"role", "none"}}));
}

TEST_CASE("members are added, promoted and removed by those who may", "[protocol][rooms]") {
  cluster c({.shards = 1});
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a"));
  chat_client bob(loop, c.as("bob", "b"));
  chat_client cid(loop, c.as("cid", "a"));
  for (auto* who : {&ann, &bob, &cid})
    who->opened();
  ann.ask("room.create", {{"room", "club"}, {"kind", "private"}});

  // room.add by the owner: a moderator, and both sides are told
  CHECK(ann.ask("room.add", {{"room", "club"}, {"user", "bob"}, {"role", "moderator"}}) == json::object());
  CHECK(contains(ann.expect("member", {{"room", "club"}, {"user", "bob"}}),
                 {{"change", "added"}, {"by", "ann"}, {"role", "moderator"}}));
  CHECK(eventually([&] { return verdict(bob.call("room.info", {{"room", "club"}})) == "ok"; }));
  CHECK(bob.ask("room.info", {{"room", "club"}})["role"] == "moderator");
  // who was added hears the room without asking
  CHECK(eventually([&] { return bob.ask("room.list")["rooms"].size() == 1; }));
  ann.ask("message.send", {{"room", "club"}, {"text", "hello bob"}});
  CHECK_NOTHROW(bob.expect("message", {{"room", "club"}, {"text", "hello bob"}}));

  // by a moderator; without a role: member
  CHECK(bob.ask("room.add", {{"room", "club"}, {"user", "cid"}}) == json::object());
  CHECK(contains(ann.expect("member", {{"user", "cid"}}), {{"change", "added"}, {"by", "bob"}}));
  CHECK(eventually([&] { return cid.ask("room.list")["rooms"].size() == 1; }));
  // by a member: no
  CHECK(verdict(cid.call("room.add", {{"room", "club"}, {"user", "dan"}})) == "403, final");
  CHECK(verdict(cid.call("room.remove", {{"room", "club"}, {"user", "bob"}})) == "403, final");
  // a moderator makes nobody an owner, and removes no owner
  CHECK(verdict(bob.call("room.add", {{"room", "club"}, {"user", "cid"}, {"role", "owner"}})) == "403, final");
  CHECK(verdict(bob.call("room.remove", {{"room", "club"}, {"user", "ann"}})) == "403, final");

  // a role changes
  CHECK(ann.ask("room.add", {{"room", "club"}, {"user", "cid"}, {"role", "moderator"}}) == json::object());
  CHECK(contains(bob.expect("member", {{"user", "cid"}, {"change", "role"}}), {{"by", "ann"}, {"role", "moderator"}}));
  CHECK(cid.ask("room.info", {{"room", "club"}})["role"] == "moderator");

  // room.members: pages in byte order
  ann.ask("room.add", {{"room", "club"}, {"user", "Zoe"}});
  const auto all = cid.ask("room.members", {{"room", "club"}});
  CHECK(all == json{{"members",
                     {{{"user", "Zoe"}, {"role", "member"}},
                      {{"user", "ann"}, {"role", "owner"}},
                      {{"user", "bob"}, {"role", "moderator"}},
                      {{"user", "cid"}, {"role", "moderator"}}}},
                    {"more", false}});
  const auto page = cid.ask("room.members", {{"room", "club"}, {"after", "Zoe"}, {"limit", 2}});
  CHECK(names(page["members"]) == name_list{"ann", "bob"});
  CHECK(page["more"] == true);
  const auto rest = cid.ask("room.members", {{"room", "club"}, {"after", "bob"}, {"limit", 2}});
  CHECK(names(rest["members"]) == name_list{"cid"});
  CHECK(rest["more"] == false);

  // room.remove
  CHECK(ann.ask("room.remove", {{"room", "club"}, {"user", "cid"}}) == json::object());
  CHECK(contains(bob.expect("member", {{"user", "cid"}, {"change", "removed"}}), {{"by", "ann"}}));
  CHECK(eventually([&] {
    return verdict(cid.call("message.send", {{"room", "club"}, {"text", "?"}})) == "404, final";
  }));
  cid.forget();
  ann.ask("message.send", {{"room", "club"}, {"text", "without cid"}});
  bob.expect("message", {{"text", "without cid"}});
  CHECK(cid.ask("room.list")["rooms"] == json::array());
  CHECK(cid.count("message") == 0);
  // A room keeps an owner.
  CHECK(verdict(ann.call("room.add", {{"room", "club"}, {"user", "ann"}, {"role", "member"}})) == "409, final");
}

TEST_CASE("room.who tells the members present anywhere in the cluster, each once", "[protocol][rooms]") {
  cluster c({.shards = 1});
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a"));
  chat_client bob(loop, c.as("bob", "b"));
  ann.opened();
  bob.opened();
  ann.ask("room.create", {{"room", "tea"}, {"members", {"absent"}}});
  bob.ask("room.join", {{"room", "tea"}});
  chat_client stranger(loop, c.as("stranger", "b"));
  stranger.opened();
  const auto who = [&](chat_client& asking) { return names(asking.ask("room.who", {{"room", "tea"}})["users"]); };
  CHECK(who(ann) == name_list{"ann", "bob"});
  CHECK(who(bob) == name_list{"ann", "bob"});
  {
    chat_client second(loop, c.as("bob", "a")); // another device, at another node
    second.opened();
    CHECK(eventually([&] { return who(ann) == name_list{"ann", "bob"}; }));
    chat_client absent(loop, c.as("absent", "b"));
    absent.opened();
    CHECK(eventually([&] { return who(ann) == name_list{"absent", "ann", "bob"}; }));
  }
  CHECK(eventually([&] { return who(ann) == name_list{"ann", "bob"}; }));
  bob.close();
  CHECK(eventually([&] { return who(ann) == name_list{"ann"}; }));
}

TEST_CASE("rooms have their limits, and need not be made by joining", "[protocol][rooms]") {
  cluster c({.shards = 1,
             .nodes = {"a"},
             .set = {"limits.rooms_per_user=3", "limits.members_per_room=3", "node.create_public_rooms=false"}});
  client_loop loop;
  chat_client ann(loop, c.as("ann"));
  chat_client bob(loop, c.as("bob"));
  ann.opened();
  bob.opened();
  CHECK(verdict(ann.call("room.join", {{"room", "missing"}})) == "404, final");
  for (const auto* room : {"one", "two", "three"})
    ann.ask("room.create", {{"room", room}});
  CHECK(verdict(ann.call("room.create", {{"room", "four"}})) == "409, final");
  CHECK(ann.ask("room.list")["rooms"].size() == 3);
  ann.ask("room.leave", {{"room", "three"}});
  CHECK(verdict(ann.call("room.create", {{"room", "four"}})) == "ok");

  for (const auto* user : {"cid", "dan"})
    ann.ask("room.add", {{"room", "one"}, {"user", user}});
  CHECK(verdict(ann.call("room.add", {{"room", "one"}, {"user", "eve"}})) == "409, final");
  CHECK(verdict(bob.call("room.join", {{"room", "one"}})) == "409, final");
  CHECK(ann.ask("room.info", {{"room", "one"}})["members"] == 3);
  CHECK(bob.ask("room.list")["rooms"] == json::array()); // the refused join left nothing behind
}
