// What a client may just do, and what is one too many: limits of docs/OPERATIONS.md that no other test comes up to.
#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/cluster.hpp"

using namespace starling::test;

namespace {

std::vector<std::string> users(std::size_t how_many) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < how_many; ++i)
    names.push_back("u" + std::to_string(i));
  return names;
}

} // namespace

TEST_CASE("names and texts may be as long as their limit and not a byte longer", "[limits]") {
  cluster c({.shards = 1, .nodes = {"a"}, .set = {"limits.requests_burst=1000"}});
  client_loop loop;
  chat_client ann(loop, c.as("ann")), long_name(loop, c.as(std::string(64, 'u'))),
      too_long(loop, c.as(std::string(65, 'u')));
  ann.opened();
  CHECK(long_name.opened()["user"] == std::string(64, 'u'));
  CHECK(too_long.wait_end().value().code == 4001);

  const auto create = [&](const std::string& room, const std::string& title) {
    return verdict(ann.call("room.create", {{"room", room}, {"title", title}}));
  };
  CHECK(create(std::string(128, 'r'), std::string(256, 't')) == "ok");
  CHECK(create(std::string(129, 'r'), "") == "-32602, final");
  CHECK(create("r", std::string(257, 't')) == "413, final");
  CHECK(verdict(ann.call("room.join", {{"room", std::string(128, 'r')}})) == "ok");

  ann.ask("room.join", {{"room", "tea"}});
  const auto send = [&](std::size_t text, std::size_t data) {
    // Two of the bytes of `data` are its quotes.
    return verdict(ann.call("message.send",
                            {{"room", "tea"}, {"text", std::string(text, 'x')}, {"data", std::string(data - 2, 'd')}}));
  };
  CHECK(send(16 * 1024, 8 * 1024) == "ok");
  CHECK(send(16 * 1024 + 1, 8 * 1024) == "413, final");
  CHECK(send(16 * 1024, 8 * 1024 + 1) == "413, final");
}

TEST_CASE("lists in requests may be as long as their limit", "[limits]") {
  cluster c({.shards = 1, .nodes = {"a"}, .set = {"limits.users_per_request=5", "limits.rooms_per_user=3"}});
  client_loop loop;
  chat_client ann(loop, c.as("ann"));
  ann.opened();
  for (const auto* method : {"presence.get", "presence.watch", "presence.unwatch"}) {
    INFO(method);
    CHECK(verdict(ann.call(method, {{"users", users(5)}})) == "ok");
    CHECK(verdict(ann.call(method, {{"users", users(6)}})) == "-32602, final");
  }
  CHECK(verdict(ann.call("room.create", {{"room", "five"}, {"members", users(5)}})) == "ok");
  CHECK(verdict(ann.call("room.create", {{"room", "six"}, {"members", users(6)}})) == "-32602, final");
  json rooms = {{"five", 0}, {"tea", 0}, {"den", 0}};
  for (const auto* room : {"tea", "den"})
    ann.ask("room.join", {{"room", room}});
  CHECK(verdict(ann.call("room.sync", {{"rooms", rooms}})) == "ok");
  rooms["bar"] = 0;
  CHECK(verdict(ann.call("room.sync", {{"rooms", rooms}})) == "-32602, final");
}

TEST_CASE("a node tells no more users of a room than it may", "[limits]") {
  cluster c({.shards = 1, .set = {"limits.who_users=3"}});
  client_loop loop;
  std::vector<std::unique_ptr<chat_client>> people;
  const auto come = [&](const std::string& user, const std::string& node) {
    people.push_back(std::make_unique<chat_client>(loop, c.as(user, node)));
    people.back()->opened();
    people.back()->ask("room.join", {{"room", "tea"}});
  };
  const auto counted = [&] { return people.front()->ask("room.who", {{"room", "tea"}})["users"].size(); };
  for (const std::string user : {"ann", "bob", "cid"})
    come(user, "a");
  CHECK(eventually([&] { return counted() == 3; }));
  come("dan", "a"); // one too many
  CHECK(counted() == 3);
  come("eve", "b"); // the other node's own
  CHECK(eventually([&] { return counted() == 4; }));
}
