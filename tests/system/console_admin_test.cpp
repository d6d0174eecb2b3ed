// What changes something, on real processes: only with the right to it, only when it is meant, and on record.
#include <signal.h>

#include <catch2/catch.hpp>

#include "tests/support/console.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

run_result admin(const cluster& c, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "--admin");
  return console(c, std::move(arguments));
}

/// The entry of a process in what the console has printed with --json.
json of(const std::string& printed, const std::string& process) { return entry_of(json::parse(printed), process); }

} // namespace

TEST_CASE("nothing is changed without --admin, and nothing by a dry run", "[console][admin]") {
  cluster c({.shards = 1, .nodes = {"a"}});
  client_loop loop;
  chat_client ann(loop, c.as("ann"));
  ann.opened();
  ann.ask("room.join", {{"room", "lobby"}});
  const std::vector<std::vector<std::string>> all{
      {"kick", "user", "ann"},           {"revoke", "user", "ann"}, {"drain", "a"},
      {"restart", "a", "room", "lobby"}, {"log-level", "error"},    {"send", "room", "lobby", "hello", "--as", "ann"}};
  for (auto arguments : all) {
    auto refused = console(c, arguments);
    CHECK(refused.status == 1);
    CHECK_THAT(refused.out, Catch::Contains("--admin"));
    arguments.emplace_back("--dry-run");
    for (auto& dry : {console(c, arguments), admin(c, arguments)}) {
      CHECK(dry.status == 0);
      CHECK_THAT(dry.out, Catch::Contains("nothing has been changed"));
    }
  }
  CHECK_FALSE(ann.ended());
  CHECK(ann.count("message") == 0);
  CHECK(c.node("a").running());
  CHECK(entry_of(console_answers(c, {"log-level"}), "a")["result"]["level"] == "info");
  const auto log = c.log_of("a");
  CHECK(log.find("actor.restart") == std::string::npos);
  for (auto* command : {"kick", "revoke", "drain", "restart", "log_level", "send"}) {
    CHECK_THAT(log,
               Catch::Contains(std::string("admin=false command=") + command + " dry_run=false outcome=\"refused"));
    CHECK_THAT(log, Catch::Contains(std::string("admin=true command=") + command + " dry_run=true outcome="));
  }
}

TEST_CASE("who is kicked sees 4009 on all nodes, and may come back", "[console][admin]") {
  cluster c({.shards = 1});
  client_loop loop;
  chat_client here(loop, c.as("ann", "a")), there(loop, c.as("ann", "b")), bob(loop, c.as("bob", "b"));
  for (auto* one : {&here, &there, &bob})
    one->opened();
  auto only_b = admin(c, {"--json", "kick", "user", "ann", "--node", "b"});
  CHECK(of(only_b.out, "b")["result"]["connections"] == 1);
  CHECK(of(only_b.out, "a").is_null());
  auto end = there.wait_end();
  REQUIRE(end);
  CHECK(end->code == 4009);
  CHECK_FALSE(here.ended());

  auto both = admin(c, {"kick", "user", "ann", "--reason", "please be kind"});
  CHECK(both.status == 0);
  CHECK_THAT(both.out, Catch::Contains("connections of ann: 1"));
  end = here.wait_end();
  REQUIRE(end);
  CHECK(end->code == 4009);
  CHECK(end->reason == "please be kind");
  auto told = here.expect("session.closing");
  CHECK(told["nodes"].empty());
  CHECK_FALSE(bob.ended());
  chat_client again(loop, c.as("ann", "a"));
  CHECK(again.opened()["user"] == "ann");
  CHECK_THAT(c.log_of("a"), Catch::Contains("command=kick dry_run=false outcome=\"connections=1\""));
  CHECK(admin(c, {"kick", "user", "ann", "--node", "nosuch"}).status == 1);
}

TEST_CASE("who is revoked sees 4001 on all nodes", "[console][admin][revocation]") {
  cluster c({.shards = 1});
  client_loop loop;
  chat_client here(loop, c.as("ann", "a")), there(loop, c.as("ann", "b")), bob(loop, c.as("bob", "b"));
  for (auto* one : {&here, &there, &bob})
    one->opened();
  auto done = admin(c, {"revoke", "user", "ann"});
  CHECK(done.status == 0);
  for (auto* one : {&here, &there}) {
    auto end = one->wait_end();
    REQUIRE(end);
    CHECK(end->code == 4001);
    CHECK(end->reason == "revoked");
  }
  CHECK_FALSE(bob.ended());
  CHECK_THAT(c.log_of("a") + c.log_of("b"), Catch::Contains("command=revoke dry_run=false outcome=\"until="));
}

TEST_CASE("a node that is drained sends its clients away, and ends", "[console][admin]") {
  cluster c({.shards = 1});
  client_loop loop;
  chat_client ann(loop, c.as("ann", "b"));
  ann.opened();
  auto drained = admin(c, {"--json", "drain", "b"});
  CHECK(drained.status == 0);
  CHECK(of(drained.out, "b")["result"]["connections"] == 1);
  auto end = ann.wait_end();
  REQUIRE(end);
  CHECK(end->code == 1001);
  CHECK(c.node("b").wait(15s) == 0);
  CHECK_THAT(c.log_of("b"), Catch::Contains("command=drain dry_run=false outcome=\"connections=1\"") &&
                                Catch::Contains("node.drained clients_left=0"));
  CHECK(c.is_ready("a"));
}

TEST_CASE("a room that is restarted makes those who sit there resume", "[console][admin]") {
  cluster c({.shards = 1, .nodes = {"a"}});
  client_loop loop;
  chat_client ann(loop, c.as("ann")), bob(loop, c.as("bob"));
  ann.opened();
  bob.opened();
  ann.ask("room.join", {{"room", "lobby"}});
  ann.ask("message.send", {{"room", "lobby"}, {"text", "before"}});
  CHECK(admin(c, {"restart", "a", "room", "lobby"}).status == 0);
  auto end = ann.wait_end();
  REQUIRE(end);
  CHECK(end->code == 1011);
  CHECK_FALSE(bob.ended());
  chat_client again(loop, c.as("ann"));
  again.opened();
  auto missed = again.ask("room.sync", {{"rooms", {{"lobby", 0}}}});
  CHECK(missed["rooms"]["lobby"]["messages"][0]["text"] == "before");
  again.ask("message.send", {{"room", "lobby"}, {"text", "after"}});
  again.expect("message", {{"text", "after"}});
  CHECK_THAT(c.log_of("a"), Catch::Contains("actor.restarted kind=room"));

  auto sessions = console_answers(c, {"actors", "--kind", "session"});
  std::string id;
  for (auto& process : sessions)
    if (process["name"] == "a") id = process["result"]["actors"][0]["id"].dump();
  auto session = admin(c, {"restart", "a", id});
  CHECK(session.status == 1);
  CHECK_THAT(session.out, Catch::Contains("kick"));
  CHECK_THAT(admin(c, {"restart", "a", "inspector"}).out, Catch::Contains("no supervisor"));
  CHECK_THAT(admin(c, {"restart", "a", "room", "nosuch"}).out, Catch::Contains("not active here"));

  CHECK(admin(c, {"restart", "a", "router"}).status == 0);
  end = bob.wait_end();
  REQUIRE(end);
  CHECK(end->code == 1001);
  CHECK(eventually([&] { return c.is_ready("a"); }));
}

TEST_CASE("the level of the log is changed while a process runs", "[console][admin]") {
  cluster c({.shards = 1, .nodes = {"a"}});
  CHECK(of(admin(c, {"--json", "log-level", "debug", "--component", "room", "--process", "a"}).out,
           "a")["result"]["levels"] == json::array({"room=debug"}));
  CHECK(admin(c, {"log-level", "error"}).status == 0);
  auto levels = console(c, {"--json", "log-level"}).out;
  CHECK(of(levels, "a")["result"]["level"] == "error");
  CHECK(of(levels, "a")["result"]["levels"] == json::array({"room=debug"}));
  CHECK(of(levels, "master")["result"]["level"] == "error");
  auto joins = [&] {
    const auto log = c.log_of("a");
    std::size_t count = 0;
    for (auto at = log.find("console.joined"); at != std::string::npos; at = log.find("console.joined", at + 1))
      ++count;
    return count;
  };
  auto before = joins();
  CHECK(console(c, {"nodes"}).status == 0);
  CHECK(joins() == before); // "info" is not written any more
  CHECK(admin(c, {"log-level", "info"}).status == 0);
  CHECK(console(c, {"nodes"}).status == 0);
  CHECK(joins() == before + 1);
  CHECK(console(c, {"log-level", "loud"}).status == 2);
}

TEST_CASE("an operator says something as a member, and not as anybody else", "[console][admin]") {
  cluster c({.shards = 3});
  client_loop loop;
  chat_client ann(loop, c.as("ann", "b"));
  ann.opened();
  ann.ask("room.join", {{"room", "lobby"}});
  auto sent = admin(c, {"--json", "send", "room", "lobby", "a \"quoted\" word", "--as", "ann", "--node", "a"});
  CHECK(sent.status == 0);
  auto answer = entry_of(json::parse(sent.out), "a")["result"];
  CHECK(answer["seq"] == 1);
  auto heard = ann.expect("message", {{"room", "lobby"}, {"seq", 1}});
  CHECK(heard["text"] == "a \"quoted\" word");
  CHECK(heard["from"] == "ann");
  CHECK(heard["epoch"] == answer["epoch"]);
  for (auto& refused : {admin(c, {"send", "room", "lobby", "x", "--as", "bob"}),
                        admin(c, {"send", "room", "lobby", "x", "--as", "bob", "--dry-run"})}) {
    CHECK(refused.status == 1);
    CHECK_THAT(refused.out, Catch::Contains("403"));
  }
  CHECK(admin(c, {"send", "room", "lobby", "x"}).status == 2); // as whom?
}

TEST_CASE("no command of the console tells a secret", "[console][admin]") {
  cluster c({.shards = 1, .nodes = {"a"}});
  std::string all;
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"nodes"},
                                             {"actors"},
                                             {"slots"},
                                             {"where", "room", "x"},
                                             {"events", "--limit", "1000"},
                                             {"flight"},
                                             {"check"},
                                             {"log-level"},
                                             {"kick", "user", "ann", "--dry-run"},
                                             {"revoke", "user", "ann", "--dry-run"},
                                             {"drain", "a", "--dry-run"},
                                             {"restart", "a", "router", "--dry-run"},
                                             {"send", "room", "x", "y", "--as", "ann", "--dry-run"}}) {
    auto result = admin(c, arguments);
    all += result.out + result.err;
    auto with_json = arguments;
    with_json.insert(with_json.begin(), "--json");
    all += console(c, with_json).out;
  }
  all += c.log_of("a") + c.log_of("master");
  CHECK(all.find("that only this cluster knows") == std::string::npos);
}
