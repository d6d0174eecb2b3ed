// docs/PROTOCOL.md to the letter: how a connection becomes a session, and how a token ends it.
#include <catch2/catch.hpp>

#include "tests/support/cluster.hpp"
#include "tests/support/tokens.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

dial with_token(const cluster& c, const std::string& node, const std::string& token) {
  return {c.port(node), "/ws", {{"Authorization", "Bearer " + token}}};
}

/// Connects with a token that must be refused, in the header and in the query: closed with 4001, nothing opened.
void check_refused(client_loop& loop, const cluster& c, const std::string& node, const std::string& token) {
  for (const auto& how : {with_token(c, node, token), dial{c.port(node), "/ws?token=" + token}}) {
    chat_client client(loop, how);
    const auto end = client.wait_end(5s);
    REQUIRE(end);
    CHECK(end->code == 4001);
    CHECK(client.count("session.opened") == 0);
    CHECK(client.count("session.closing") == 1);
  }
}

void check_user(chat_client& client, const std::string& user) { CHECK(client.opened()["user"] == user); }

} // namespace

TEST_CASE("in mode open a user is who the client says, by query or by request", "[protocol][opening]") {
  cluster c({.shards = 1});
  client_loop loop;
  {
    chat_client maker(loop, c.as("ann"));
    maker.opened();
    maker.ask("room.join", {{"room", "tea"}});
    maker.ask("message.send", {{"room", "tea"}, {"text", "x"}});
  }
  // ?user=
  chat_client by_query(loop, c.as("ann", "b"));
  const auto opened = by_query.opened();
  CHECK(opened["session"].is_string());
  CHECK(opened["user"] == "ann");
  CHECK(opened["node"] == "b");
  CHECK(opened["ping_s"].is_number());
  REQUIRE(opened["rooms"].size() == 1);
  CHECK(opened["rooms"][0]["room"] == "tea");
  CHECK(opened["rooms"][0]["seq"] == 1);
  CHECK(opened["rooms"][0]["read"] == 0);
  CHECK(opened["rooms"][0]["epoch"].is_number_unsigned());
  CHECK(by_query.frames().front().content["method"] == "session.opened"); // nothing before it

  // session.open {user}: the result, and no notification
  chat_client by_request(loop, {c.port("a")});
  const auto result = by_request.ask("session.open", {{"user", "bob"}});
  CHECK(contains(result, {{"user", "bob"}, {"node", "a"}, {"rooms", json::array()}}));
  CHECK(result["session"] != opened["session"]);
  CHECK(verdict(by_request.call("room.join", {{"room", "tea"}})) == "ok");
  CHECK(by_request.count("session.opened") == 0);

  // Before opening: 401, but for ping
  chat_client nobody(loop, {c.port("a")});
  for (const auto* method : {"room.list", "room.join", "message.send", "presence.get"}) {
    INFO(method);
    CHECK(verdict(nobody.call(method, {{"room", "tea"}, {"text", "x"}, {"users", json::array()}})) == "401, final");
  }
  CHECK(verdict(nobody.call("ping")) == "ok");
  CHECK(nobody.call("session.open", {{"user", "not a user"}}).error["data"]["param"] == "user");
  CHECK(nobody.call("session.open").error["data"]["param"] == "token");
  CHECK(verdict(nobody.call("session.open", {{"user", "cid"}})) == "ok");
  CHECK(verdict(nobody.call("room.list")) == "ok");
  // In one batch: what follows the opening is the opened session's.
  chat_client batched(loop, {c.port("a")});
  batched.send_text(R"([{"jsonrpc":"2.0","id":"o","method":"session.open","params":{"user":"dan"}},)"
                    R"({"jsonrpc":"2.0","id":"l","method":"room.list"}])");
  const auto answers = batched.expect_answer();
  REQUIRE(answers.size() == 2);
  for (const auto& a : answers)
    CHECK(verdict(a) == "ok");

  // A user id that is none
  chat_client odd(loop, {c.port("a"), "/ws?user=a%20b"});
  CHECK(odd.wait_end().value().code == 4001);

  // The subprotocol is offered, not required.
  chat_client offering(loop, {c.port("a"), "/ws?user=ann", {{"Sec-WebSocket-Protocol", "other, starling.v1"}}});
  CHECK(offering.connected());
  CHECK(offering.handshake_header("Sec-WebSocket-Protocol") == "starling.v1");
  CHECK(by_query.handshake_header("Sec-WebSocket-Protocol").empty());
}

TEST_CASE("mode open is refused beyond loopback unless it is asked for twice", "[protocol][opening]") {
  cluster c({.shards = 1, .nodes = {"a"}});
  CHECK(c.log_of("a").find("auth.open") != std::string::npos); // said at the start
  const auto start = [&](std::vector<std::string> more) {
    std::vector<std::string> command = {STARLING_EXECUTABLE,
                                        "node",
                                        "--config",
                                        c.directory() / "node.toml",
                                        "--name",
                                        "wide",
                                        "--listen",
                                        "0.0.0.0:" + std::to_string(server_port())};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  };
  const auto refused = run(start({}));
  CHECK(refused.status == 2);
  CHECK(refused.err.find("auth.open_beyond_loopback") != std::string::npos);
  child_process told_twice(
      start({"--set", "auth.open_beyond_loopback=true", "--set", "node.url=\"ws://chat.example/ws\""}),
      c.directory() / "wide.log");
  CHECK(eventually([&] { return c.log_of("wide").find("node.started") != std::string::npos; }));
  CHECK(told_twice.terminate(15s) == 0);
}

TEST_CASE("a token opens a session by header, query or request, with each algorithm", "[protocol][opening]") {
  const scratch_directory keys;
  write_file(keys / "hs", "a secret of at least thirty-two bytes, to be safe\n");
  run_or_throw(
      {"openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", keys / "rs"});
  run_or_throw(
      {"openssl", "genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", keys / "es"});
  for (const auto* name : {"rs", "es"})
    run_or_throw({"openssl", "pkey", "-in", keys / name, "-pubout", "-out", keys / name + ".pub"});
  const auto options = [&](const std::string& algorithm, const std::string& file) {
    return std::vector<std::string>{"auth.mode=\"token\"", "auth.algorithm=\"" + algorithm + "\"",
                                    "auth.key_file=\"" + file + "\""};
  };
  cluster c({.shards = 1,
             .nodes = {"hs", "rs", "es"},
             .set_for = {{"hs", options("HS256", keys / "hs")},
                         {"rs", options("RS256", keys / "rs.pub")},
                         {"es", options("ES256", keys / "es.pub")}}});
  client_loop loop;
  const std::map<std::string, std::string> algorithms = {{"hs", "HS256"}, {"rs", "RS256"}, {"es", "ES256"}};
  for (const auto& [node, algorithm] : algorithms) {
    INFO(algorithm);
    const auto token = starling_token("ann", "1h", keys / node, algorithm);
    chat_client by_header(loop, with_token(c, node, token));
    check_user(by_header, "ann");
    chat_client by_query(loop, {c.port(node), "/ws?token=" + token});
    check_user(by_query, "ann");
    chat_client by_request(loop, {c.port(node)});
    CHECK(by_request.ask("session.open", {{"token", token}})["user"] == "ann");
    // A token of another algorithm's key is nothing here.
    for (const auto& [other, its_algorithm] : algorithms)
      if (other != node) check_refused(loop, c, node, starling_token("ann", "1h", keys / other, its_algorithm));
  }

  // Wrong in every other way
  auto secret = read_file(keys / "hs");
  secret.pop_back();
  const json header = {{"alg", "HS256"}, {"typ", "JWT"}};
  const json claims = {{"sub", "ann"}, {"exp", unix_now() + 600}};
  chat_client well_made(loop, with_token(c, "hs", make_token(header, claims, secret)));
  check_user(well_made, "ann"); // or nothing below would mean much
  const auto changed = [&](const json& change) {
    auto other = claims;
    other.merge_patch(change);
    return make_token(header, other, secret);
  };
  check_refused(loop, c, "hs", changed({{"exp", unix_now() - 60}}));
  check_refused(loop, c, "hs", changed({{"exp", nullptr}}));
  check_refused(loop, c, "hs", changed({{"exp", "tomorrow"}}));
  check_refused(loop, c, "hs", changed({{"sub", nullptr}}));
  check_refused(loop, c, "hs", changed({{"sub", "not a user"}}));
  check_refused(loop, c, "hs", changed({{"sub", 7}}));
  check_refused(loop, c, "hs", make_token(header, claims, "another secret, just as long as the right one"));
  check_refused(loop, c, "hs", make_token({{"alg", "none"}, {"typ", "JWT"}}, claims, ""));
  check_refused(loop, c, "hs", "no-token-at-all");
  // The public key of an asymmetric pair is no secret to sign with.
  check_refused(loop, c, "rs", make_token(header, claims, read_file(keys / "rs.pub")));
  check_refused(loop, c, "es", make_token({{"alg", "none"}, {"typ", "JWT"}}, claims, ""));

  // Nobody is a user by saying so here.
  chat_client liar(loop, {c.port("hs"), "/ws?user=ann"});
  CHECK(liar.wait_end().value().code == 4001);
  chat_client asker(loop, {c.port("hs")});
  CHECK(verdict(asker.call("session.open", {{"user", "ann"}})) == "401, final");
  chat_client wrong(loop, {c.port("hs")});
  for (int i = 0; i < 3; ++i)
    CHECK(verdict(wrong.call("session.open", {{"token", "wrong"}})) == "401, final");
  CHECK(wrong.wait_end().value().code == 4001); // a mistake is forgiven, guessing is not
}

TEST_CASE("a token that expires ends the session with a warning before, unless it is renewed", "[protocol][opening]") {
  const scratch_directory keys;
  write_file(keys / "hs", "a secret of at least thirty-two bytes, to be safe\n");
  cluster c(
      {.shards = 1,
       .nodes = {"a"},
       .set = {"auth.mode=\"token\"", "auth.key_file=\"" + (keys / "hs") + "\"", "timings.token_warning=\"2s\""}});
  client_loop loop;
  const auto token = starling_token("ann", "4s", keys / "hs");
  const auto begin = steady::now();
  chat_client lasting(loop, with_token(c, "a", token));
  chat_client ending(loop, with_token(c, "a", token));
  lasting.opened();
  ending.opened();
  const auto is_warning = [](const json& f) { return f.value("method", "") == "session.expiring"; };
  CHECK(ending.wait_for(is_warning, 5s));
  CHECK(lasting.wait_for(is_warning, 5s));
  CHECK(steady::now() - begin < 4s);

  // Another user's token renews nothing, nor does a wrong one; the session stays.
  CHECK(verdict(lasting.call("session.open", {{"token", starling_token("bob", "1h", keys / "hs")}})) != "ok");
  CHECK(verdict(lasting.call("session.open", {{"token", "wrong"}})) == "401, final");
  CHECK(verdict(lasting.call("room.list")) == "ok");
  const auto renewed = lasting.ask("session.open", {{"token", starling_token("ann", "1h", keys / "hs")}});
  CHECK(renewed["user"] == "ann");

  const auto end = ending.wait_end(6s);
  REQUIRE(end);
  CHECK(end->code == 4001);
  CHECK(ending.count("session.closing") == 1);
  CHECK(steady::now() - begin > 2900ms); // a token's time has whole seconds
  CHECK(verdict(lasting.call("room.list")) == "ok");
  CHECK(!lasting.wait_end(1s));
}
