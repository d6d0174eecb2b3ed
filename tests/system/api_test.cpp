// docs/API.md on real processes: what is asked of one node is seen by clients of the other.
#include <catch2/catch.hpp>

#include "tests/support/api_client.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

struct two_nodes {
  api_client api{{"a", "b"}};
  cluster c;
  client_loop loop;

  explicit two_nodes(std::size_t shards = 2) : c({.shards = shards, .set_for = api.options()}) {}
  json get(const std::string& path) { return api.ask("a", "GET", path); }
  json post(const std::string& path, const json& body) { return api.ask("a", "POST", path, body); }
};

} // namespace

TEST_CASE("an application makes rooms and members and speaks in them, and clients of all nodes are told", "[api]") {
  two_nodes s;
  chat_client ann(s.loop, s.c.as("ann", "b")), bob(s.loop, s.c.as("bob", "a"));
  ann.opened();
  bob.opened();

  auto made = s.post("/api/rooms", {{"room", "tea"}, {"title", "Tea"}, {"kind", "private"}, {"owner", "ann"}});
  CHECK(contains(made, {{"room", "tea"}, {"title", "Tea"}, {"kind", "private"}, {"members", 1}, {"role", "owner"}}));
  ann.expect("member", {{"room", "tea"}, {"user", "ann"}, {"change", "joined"}});
  CHECK(s.api.refusal("b", "POST", "/api/rooms", {{"room", "tea"}}) == "409 conflict");

  CHECK(s.api.ask("a", "PUT", "/api/rooms/tea/members/bob") == json::object());
  bob.expect("member", {{"room", "tea"}, {"user", "bob"}, {"change", "added"}, {"by", "@system"}});
  ann.expect("member", {{"room", "tea"}, {"user", "bob"}, {"change", "added"}, {"by", "@system"}});
  s.api.ask("a", "PUT", "/api/rooms/tea/members/bob", {{"role", "moderator"}});
  ann.expect("member", {{"user", "bob"}, {"change", "role"}, {"role", "moderator"}});
  auto members = s.get("/api/rooms/tea/members");
  CHECK(members["members"] ==
        json::array({{{"user", "ann"}, {"role", "owner"}}, {{"user", "bob"}, {"role", "moderator"}}}));
  CHECK(s.get("/api/rooms/tea/members?after=ann&limit=1")["members"].size() == 1);
  CHECK(s.get("/api/rooms/tea")["members"] == 2);
  CHECK(s.api.refusal("a", "GET", "/api/rooms/nosuch") == "404 not_found");

  // As the system, and as a member; nobody else may be spoken for.
  auto sent = s.post("/api/messages", {{"room", "tea"}, {"text", "hello"}, {"data", {{"n", 1}}}, {"key", "k1"}});
  CHECK(sent["seq"] == 1);
  auto heard = ann.expect("message", {{"room", "tea"}, {"text", "hello"}});
  CHECK(contains(heard, {{"from", "@system"}, {"seq", 1}, {"epoch", sent["epoch"]}, {"data", {{"n", 1}}}}));
  CHECK(heard["at"] == sent["at"]);
  CHECK(s.api.ask("b", "POST", "/api/messages", {{"room", "tea"}, {"text", "hello"}, {"key", "k1"}}) == sent);
  CHECK(s.post("/api/messages", {{"room", "tea"}, {"text", "I am bob"}, {"from", "bob"}})["seq"] == 2);
  CHECK(ann.expect("message", {{"seq", 2}})["from"] == "bob");
  CHECK(s.api.refusal("a", "POST", "/api/messages", {{"room", "tea"}, {"text", "x"}, {"from", "cid"}}) ==
        "404 not_found"); // a private room does not exist for others
  CHECK(s.api.refusal("a", "POST", "/api/messages", {{"room", "nosuch"}, {"text", "x"}}) == "404 not_found");
  auto log = s.get("/api/rooms/tea/messages?after=1");
  CHECK(log["messages"].size() == 1);
  CHECK(log["messages"][0]["text"] == "I am bob");
  CHECK(log["more"] == false);

  CHECK(s.api.ask("a", "DELETE", "/api/rooms/tea/members/bob") == json::object());
  ann.expect("member", {{"user", "bob"}, {"change", "removed"}, {"by", "@system"}});
  CHECK(verdict(bob.call("room.history", {{"room", "tea"}})) == "404, final");
  CHECK(s.api.refusal("a", "DELETE", "/api/rooms/tea/members/bob") == "409 conflict");
  CHECK_THAT(s.c.log_of("a"), Catch::Contains("api.audit who=api call=\"room.remove room=tea user=bob\" outcome=0") &&
                                  Catch::Contains("call=\"room.remove room=tea user=bob\" outcome=409") &&
                                  !Catch::Contains("I am bob"));
}

TEST_CASE("an application writes to a user, as the system and as another user", "[api]") {
  two_nodes s;
  chat_client ann(s.loop, s.c.as("ann", "b")), bob(s.loop, s.c.as("bob", "b"));
  ann.opened();
  bob.opened();
  auto sent = s.post("/api/messages", {{"to", "ann"}, {"text", "your order is on its way"}});
  CHECK(sent["room"] == "dm:@system:ann");
  CHECK(ann.expect("message", {{"text", "your order is on its way"}})["from"] == "@system");
  CHECK(ann.ask("message.send", {{"room", sent["room"]}, {"text", "thanks"}})["seq"] == 2);
  CHECK(s.get("/api/rooms/dm:%40system:ann/messages")["messages"][1]["text"] == "thanks");
  CHECK(verdict(bob.call("room.history", {{"room", sent["room"]}})) == "404, final");

  CHECK(s.post("/api/messages", {{"to", "bob"}, {"from", "ann"}, {"text", "hi"}})["room"] == "dm:ann:bob");
  CHECK(bob.expect("message", {{"text", "hi"}})["from"] == "ann");
  ann.expect("message", {{"text", "hi"}});
  CHECK(bob.ask("message.send", {{"to", "ann"}, {"text", "hi yourself"}})["room"] == "dm:ann:bob");
  ann.expect("message", {{"text", "hi yourself"}});
}

TEST_CASE("an application sees who is online where, and sends users away", "[api]") {
  two_nodes s;
  chat_client here(s.loop, s.c.as("ann", "a")), there(s.loop, s.c.as("ann", "b")), bob(s.loop, s.c.as("bob", "b"));
  here.opened();
  auto session = there.opened()["session"].get<std::string>();
  bob.opened();
  auto nodes = [&] { return s.get("/api/users/ann/sessions")["nodes"].size(); };
  CHECK(eventually([&] { return nodes() == 2; }));
  CHECK(s.get("/api/users/ann/presence")["online"] == true);
  auto presence = s.post("/api/presence", {{"users", {"cid", "bob"}}})["users"];
  CHECK(presence == json::array({{{"user", "cid"}, {"online", false}}, {{"user", "bob"}, {"online", true}}}));

  CHECK(s.post("/api/sessions/kick", {{"user", "ann"}, {"session", session}})["nodes"] == 2);
  auto end = there.wait_end();
  REQUIRE(end);
  CHECK(end->code == 4009);
  CHECK_FALSE(here.ended());
  s.post("/api/sessions/kick", {{"user", "ann"}});
  end = here.wait_end();
  REQUIRE(end);
  CHECK(end->code == 4009);
  CHECK(end->reason == "removed by the application");
  CHECK_FALSE(bob.ended());
  chat_client again(s.loop, s.c.as("ann", "a"));
  CHECK(again.opened()["user"] == "ann");
  CHECK(s.post("/api/sessions/kick", {{"user", "nobody"}})["nodes"] == 0);
}

TEST_CASE("the API is only for those who show its key, and says what it has done in figures", "[api]") {
  two_nodes s(1);
  CHECK(http_get(s.api.port("a"), "/api/rooms/tea").status == 401);
  CHECK(http_get(s.api.port("a"), "/api/openapi.json").status == 200);
  CHECK(http_get(s.c.port("a"), "/api/openapi.json").status == 404); // not where clients connect
  CHECK(s.api.refusal("a", "GET", "/api/nothing") == "404 not_found");
  CHECK(s.api.refusal("a", "POST", "/api/rooms/tea", json::object()) == "405 method_not_allowed");
  CHECK(s.api.refusal("a", "POST", "/api/messages", {{"room", "tea"}, {"text", std::string(70'000, 'x')}}) ==
        "413 too_large");
  CHECK(s.api.refusal("a", "POST", "/api/messages", json::array()) == "400 bad_request");
  const auto page = http_get(s.c.port("a"), "/metrics").body;
  CHECK(metric(page, "starling_api_requests_total{status=\"401\"}") == 1);
  CHECK(metric(page, "starling_api_requests_total{status=\"413\"}") == 1);
  CHECK_THAT(s.c.log_of("a"), Catch::Contains("api.listening listen=127.0.0.1:"));
}

TEST_CASE("without a key there is no API, and with a bad one or a taken port no node", "[api]") {
  two_nodes s(1);
  s.c.start_node("c"); // which has no key
  s.c.wait_ready("c");
  CHECK_THAT(s.c.log_of("c"), !Catch::Contains("api.listening"));
  CHECK_THROWS(metric(http_get(s.c.port("c"), "/metrics").body, "starling_api_connections"));
  const auto start = [&](const std::string& key_file, std::uint16_t port) {
    return run({STARLING_EXECUTABLE, "node", "--config", s.c.directory() / "node.toml", "--name", "d", "--listen",
                "127.0.0.1:" + std::to_string(server_port()), "--set", "api.key_file=\"" + key_file + "\"", "--set",
                "api.listen=\"127.0.0.1:" + std::to_string(port) + "\""});
  };
  write_file(s.c.directory() / "short.key", "too short\n");
  auto refused = start(s.c.directory() / "short.key", server_port());
  CHECK(refused.status == 1);
  CHECK_THAT(refused.err, Catch::Contains("at least 32 bytes"));
  refused = start(s.api.key_file(), s.api.port("a"));
  CHECK(refused.status == 1);
  CHECK_THAT(refused.err, Catch::Contains("api.listen: cannot listen on 127.0.0.1:" + std::to_string(s.api.port("a"))));
}

TEST_CASE("while the shard is away the API says so and when to ask again", "[api]") {
  two_nodes s(1);
  s.post("/api/rooms", {{"room", "tea"}});
  s.c.redis(0).kill9();
  REQUIRE(eventually([&] { return s.api.refusal("a", "GET", "/api/rooms/tea") == "503 unavailable"; }));
  auto reply = s.api.call("a", "POST", "/api/messages", {{"room", "tea"}, {"text", "x"}});
  CHECK(reply.status == 503);
  CHECK(reply.headers["retry-after"] == "1");
  s.c.redis(0).restart();
  CHECK(eventually([&] {
    return s.api.call("a", "POST", "/api/messages", {{"room", "tea"}, {"text", "x"}}).status == 200;
  }));
}
