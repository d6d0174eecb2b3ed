// Tokens that are refused before they expire: on all nodes, at once, and for good.
#include <catch2/catch.hpp>

#include "tests/support/api_client.hpp"
#include "tests/support/tokens.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

const std::string secret = "a secret of at least thirty-two bytes, to be safe";

/// A token of a user as a login service would have made it some seconds ago.
std::string token_of(const std::string& user, long long seconds_ago, const json& change = json::object()) {
  json claims = {{"sub", user}, {"exp", unix_now() + 600}, {"iat", unix_now() - seconds_ago}};
  claims.merge_patch(change);
  return make_token({{"alg", "HS256"}, {"typ", "JWT"}}, claims, secret);
}

struct two_nodes {
  scratch_directory keys;
  api_client api{{"a", "b"}};
  std::unique_ptr<cluster> c;
  client_loop loop;

  explicit two_nodes(std::vector<std::string> more = {}) {
    write_file(keys / "hs", secret + "\n");
    more.insert(more.end(), {"auth.mode=\"token\"", "auth.key_file=\"" + (keys / "hs") + "\""});
    c = std::make_unique<cluster>(cluster_plan{.shards = 1, .set_for = api.options(more), .dead_after = "10s"});
  }

  dial with(const std::string& token, const std::string& node) {
    return {c->port(node), "/ws", {{"Authorization", "Bearer " + token}}};
  }
  json revoke(const std::string& user, const std::string& node = "a") {
    return api.ask(node, "POST", "/api/sessions/revoke", {{"user", user}});
  }
  /// How a node takes a token: "opened", or the code of the close.
  std::string answer_to(const std::string& token, const std::string& node) {
    chat_client client(loop, with(token, node));
    client.wait_for([](const json& frame) {
      auto method = frame.value("method", "");
      return method == "session.opened" || method == "session.closing";
    });
    if (client.count("session.opened") == 1) return "opened";
    auto end = client.wait_end();
    return end ? std::to_string(end->code) + " " + end->reason : "nothing";
  }
};

/// Waits for the end of a session that was revoked.
void check_revoked(chat_client& client, std::chrono::milliseconds at_most = patience) {
  auto end = client.wait_end(at_most);
  REQUIRE(end);
  CHECK(end->code == 4001);
  CHECK(end->reason == "revoked");
}

} // namespace

TEST_CASE("a user whose tokens are revoked is out at all nodes, and in again with a newer one", "[revocation]") {
  two_nodes s;
  const auto old = token_of("ann", 60), ageless = token_of("ann", 0, {{"iat", nullptr}});
  chat_client here(s.loop, s.with(old, "a")), there(s.loop, s.with(ageless, "b"));
  chat_client bob(s.loop, s.with(token_of("bob", 60), "b"));
  for (auto* one : {&here, &there, &bob})
    one->opened();
  auto revoked = s.revoke("ann");
  CHECK(revoked["nodes"] == 2);
  check_revoked(here);
  check_revoked(there);
  CHECK_FALSE(bob.ended());
  for (auto* node : {"a", "b"}) {
    CHECK(s.answer_to(old, node) == "4001 revoked");
    CHECK(s.answer_to(ageless, node) == "4001 revoked");
    CHECK(s.answer_to(token_of("bob", 60), node) == "opened");
  }
  // By request, it is an error first.
  chat_client asking(s.loop, {s.c->port("b")});
  CHECK(verdict(asking.call("session.open", {{"token", old}})) == "401, final");
  check_revoked(asking);

  // Of that second none is good; of the next one are.
  const auto second = unix_now();
  REQUIRE(eventually([&] { return unix_now() > second; }));
  const auto fresh = token_of("ann", 0);
  chat_client back(s.loop, s.with(fresh, "b"));
  back.opened();
  // An open session cannot be renewed by a token that is refused.
  CHECK(verdict(back.call("session.open", {{"token", old}})) == "401, final");
  check_revoked(back);
  CHECK(s.answer_to(fresh, "a") == "opened");

  REQUIRE(s.c->node("b").terminate(15s) == 0);
  s.c->node("b").restart();
  s.c->wait_ready("b");
  CHECK(s.answer_to(old, "b") == "4001 revoked");
  CHECK(s.answer_to(fresh, "b") == "opened");
}

TEST_CASE("a node that stands still while tokens are revoked ends their sessions when it goes on", "[revocation]") {
  two_nodes s;
  chat_client ann(s.loop, s.with(token_of("ann", 60), "b"));
  ann.opened();
  s.c->node("b").stop();
  s.revoke("ann");
  CHECK_FALSE(ann.wait_end(500ms));
  s.c->node("b").cont();
  check_revoked(ann);
}

TEST_CASE("a revocation that no publication has told is found by the check of the tails", "[revocation]") {
  two_nodes s({"timings.tail_check=\"1s\""});
  chat_client ann(s.loop, s.with(token_of("ann", 60), "b"));
  ann.opened();
  // What the script writes, without its PUBLISH.
  auto& redis = s.c->redis(0);
  redis.command({"HSET", "user:ann", "revoked", std::to_string(unix_now())});
  redis.command({"HINCRBY", "user:ann", "rooms", "1"});
  redis.command({"HINCRBY", "starling:shard", "changes", "1"});
  const auto began = steady::now();
  check_revoked(ann);
  CHECK(steady::now() - began < 5s);
}

TEST_CASE("where users are what they say, revoking ends their sessions and no more", "[revocation]") {
  api_client api{{"a", "b"}};
  cluster c({.shards = 1, .set_for = api.options()});
  client_loop loop;
  chat_client ann(loop, c.as("ann", "b")), bob(loop, c.as("bob", "b"));
  ann.opened();
  bob.opened();
  api.ask("a", "POST", "/api/sessions/revoke", {{"user", "ann"}});
  check_revoked(ann);
  CHECK_FALSE(bob.ended());
  chat_client again(loop, c.as("ann", "b"));
  CHECK(again.opened()["user"] == "ann");
}
