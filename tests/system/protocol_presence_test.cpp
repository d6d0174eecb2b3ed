// docs/PROTOCOL.md to the letter: who is online, and who is told.
#include <signal.h>

#include <catch2/catch.hpp>

#include "tests/support/cluster.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

json presence_of(chat_client& asking, const std::string& user) {
  return asking.ask("presence.get", {{"users", {user}}})["users"][0];
}

} // namespace

TEST_CASE("presence is seen from every node, by several devices, and with a grace at the end", "[protocol][presence]") {
  cluster c({.shards = 2, .set = {"timings.presence_grace=\"2s\""}});
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a"));
  ann.opened();
  CHECK(presence_of(ann, "nobody") == json{{"user", "nobody"}, {"online", false}});
  CHECK(presence_of(ann, "ann")["online"] == true);

  const auto watched = ann.ask("presence.watch", {{"users", {"bob", "cid"}}})["users"];
  REQUIRE(watched.size() == 2);
  CHECK(watched[0] == json{{"user", "bob"}, {"online", false}}); // in the order asked
  CHECK(watched[1] == json{{"user", "cid"}, {"online", false}});

  // The first device
  auto first = std::make_unique<chat_client>(loop, c.as("bob", "b"));
  first->opened();
  CHECK(contains(ann.expect("presence", {{"user", "bob"}}), {{"online", true}}));
  CHECK(presence_of(ann, "bob")["online"] == true);
  // A second one, and the first away: nothing changes
  auto second = std::make_unique<chat_client>(loop, c.as("bob", "a"));
  second->opened();
  first->close();
  CHECK(first->wait_end().value().code == 1000);
  // A reload: the last device away and back within the grace
  second.reset();
  first = std::make_unique<chat_client>(loop, c.as("bob", "a"));
  first->opened();
  const auto cid = std::make_unique<chat_client>(loop, c.as("cid", "b"));
  cid->opened();
  ann.expect("presence", {{"user", "cid"}, {"online", true}});
  CHECK(ann.count("presence", {{"user", "bob"}}) == 1); // still the one from the beginning

  // The last device, for good
  ann.forget();
  const auto left = steady::now();
  first.reset();
  const auto gone = ann.expect("presence", {{"user", "bob"}});
  CHECK(gone["online"] == false);
  CHECK(gone["last_seen"].is_string());
  CHECK(steady::now() - left > 1900ms); // the grace
  CHECK(steady::now() - left < 5s);
  const auto after = presence_of(ann, "bob");
  CHECK(after["online"] == false);
  CHECK(after["last_seen"].is_string());

  // Unwatched: not told any more
  CHECK(ann.ask("presence.unwatch", {{"users", {"bob"}}}) == json::object());
  ann.forget();
  chat_client again(loop, c.as("bob", "b"));
  again.opened();
  CHECK(eventually([&] { return presence_of(ann, "bob")["online"] == true; }));
  cid->close();
  ann.expect("presence", {{"user", "cid"}, {"online", false}});
  CHECK(ann.count("presence", {{"user", "bob"}}) == 0);
}

TEST_CASE("watches are per session, may be repeated, and are limited", "[protocol][presence]") {
  cluster c({.shards = 2, .nodes = {"a"}, .set = {"limits.watches_per_session=3", "timings.presence_grace=\"100ms\""}});
  client_loop loop;
  chat_client ann(loop, c.as("ann"));
  chat_client ann_too(loop, c.as("ann"));
  ann.opened();
  ann_too.opened();
  ann.ask("presence.watch", {{"users", {"u1", "u2"}}});
  ann.ask("presence.watch", {{"users", {"u1", "u2", "u3"}}}); // three different ones
  CHECK(verdict(ann.call("presence.watch", {{"users", {"u4"}}})) == "409, final");
  ann.ask("presence.unwatch", {{"users", {"u1"}}});
  CHECK(verdict(ann.call("presence.watch", {{"users", {"u4"}}})) == "ok");
  CHECK(ann.ask("presence.watch", {{"users", json::array()}})["users"] == json::array());
  chat_client u4(loop, c.as("u4"));
  u4.opened();
  ann.expect("presence", {{"user", "u4"}, {"online", true}});
  CHECK(ann_too.count("presence") == 0);
}

TEST_CASE("a node that leaves in order takes its users offline after the grace", "[protocol][presence]") {
  cluster c({.shards = 1});
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a"));
  ann.opened();
  ann.ask("presence.watch", {{"users", {"bob"}}});
  chat_client bob(loop, c.as("bob", "b"));
  bob.opened();
  ann.expect("presence", {{"user", "bob"}, {"online", true}});
  c.node("b").signal(SIGTERM);
  CHECK_NOTHROW(ann.expect("presence", {{"user", "bob"}, {"online", false}}, 8s));
  CHECK(c.node("b").wait(15s) == 0);
}
