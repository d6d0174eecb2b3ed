// Redis with a user of its own for Starling, who may no more than docs/OPERATIONS.md says.
#include <catch2/catch.hpp>

#include <algorithm>
#include <set>
#include <sstream>

#include "tests/support/console.hpp"
#include "tests/support/crowd.hpp"
#include "tests/support/http_request.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

/// What stands in the manual behind the password.
std::string documented_rules() {
  const auto manual = read_file(STARLING_SOURCE_DIR "/docs/OPERATIONS.md");
  const auto line = manual.find("ACL SETUSER starling on >");
  REQUIRE(line != std::string::npos);
  const auto begin = manual.find(' ', line + std::string("ACL SETUSER starling on >").size()) + 1;
  return manual.substr(begin, manual.find('\n', begin) - begin);
}

cluster_plan under_acl(std::size_t shards = 3) {
  return {.shards = shards,
          .set = {"timings.room_idle=\"1s\"", "timings.presence_grace=\"200ms\""},
          .redis_rules = documented_rules(),
          .redis_password = "open-sesame"};
}

/// The commands that the manual allows. Redis itself would tell them by categories where it can.
std::set<std::string> granted() {
  std::istringstream rules(documented_rules());
  std::set<std::string> result;
  for (std::string rule; rules >> rule;)
    if (rule.front() == '+') result.insert(rule.substr(1));
  return result;
}

/// The commands that this Redis has carried out so far, by whomever.
std::set<std::string> used(const redis_process& redis) {
  std::istringstream lines(redis.command({"INFO", "commandstats"}).to_string());
  std::set<std::string> result;
  const std::string before = "cmdstat_";
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(before) && line.find(":calls=0,") == std::string::npos)
      result.insert(line.substr(before.size(), line.find(':') - before.size()));
  return result;
}

/// Each request of docs/PROTOCOL.md, in ways that between them reach every script.
void ask_everything(cluster& c, client_loop& loop) {
  chat_client ann(loop, c.as("ann", "a")), bob(loop, c.as("bob", "b"));
  ann.opened();
  bob.opened();
  ann.ask("presence.watch", {{"users", {"bob", "cid"}}});
  ann.ask("presence.get", {{"users", {"bob"}}});
  ann.ask("room.create", {{"room", "den"}, {"kind", "private"}, {"members", {"bob"}}});
  ann.ask("room.join", {{"room", "tea"}});
  bob.ask("room.join", {{"room", "tea"}});
  ann.ask("message.send", {{"room", "tea"}, {"text", "with a key"}, {"key", "k"}});
  ann.ask("message.send", {{"room", "tea"}, {"text", "with a key"}, {"key", "k"}});
  const auto sent = ann.ask("message.send", {{"room", "tea"}, {"text", "without"}});
  bob.expect("message", {{"room", "tea"}, {"seq", sent["seq"]}});
  ann.ask("message.send", {{"to", "bob"}, {"text", "between us"}});
  bob.ask("message.read", {{"room", "tea"}, {"seq", sent["seq"]}});
  bob.notify("typing", {{"room", "tea"}});
  ann.ask("room.history", {{"room", "tea"}});
  ann.ask("room.history", {{"room", "tea"}, {"after", 0}});
  ann.ask("room.sync", {{"rooms", {{"tea", 0}}}});
  ann.ask("room.add", {{"room", "den"}, {"user", "cid"}, {"role", "moderator"}});
  for (const auto* method : {"room.info", "room.members", "room.who"})
    ann.ask(method, {{"room", "den"}});
  ann.ask("room.list");
  ann.ask("room.remove", {{"room", "den"}, {"user", "cid"}});
  ann.ask("room.add", {{"room", "den"}, {"user", "bob"}, {"role", "owner"}});
  ann.ask("room.leave", {{"room", "den"}});
  ann.ask("room.leave", {{"room", "tea"}});
  bob.close(); // who watched hears of it
  ann.expect("presence", {{"user", "bob"}, {"online", false}});
  ann.ask("presence.unwatch", {{"users", {"bob", "cid"}}});
}

/// Sends to a room of the shard 0, which `room` names.
std::string answer_of_send(chat_client& client, const std::string& room) {
  return verdict(client.call("message.send", {{"room", room}, {"text", "?"}}));
}

} // namespace

TEST_CASE("a cluster needs what the documented ACL grants and is never denied anything", "[redis_acl]") {
  cluster c(under_acl());
  client_loop loop;
  crowd people(loop, {c.port("a"), c.port("b")}, {200, 40, 2});
  INFO("seed " << people.seed());
  people.talk(500ms);
  CHECK(people.wait_acknowledged(400, 30s));
  ask_everything(c, loop);
  console_answers(c, {"shards"});
  console_answers(c, {"where", "room", "tea"});
  CHECK(people.settle(60s));
  const auto faults = people.faults(c.port("a"));
  INFO(describe(faults, people.seed()));
  CHECK(faults.empty());
  CHECK(people.complaints() == no_complaints);

  // Between them the shards have used all of it. A room that is left is unsubscribed a second later.
  const auto all = granted();
  CHECK(all.size() > 25);
  CHECK_THAT(documented_rules(), Catch::Contains(" -@all "));
  std::set<std::string> in_use;
  const auto idle = [&] {
    std::set<std::string> rest;
    for (std::size_t shard = 0; shard < c.shards(); ++shard)
      in_use.merge(used(c.redis(shard)));
    std::set_difference(all.begin(), all.end(), in_use.begin(), in_use.end(), std::inserter(rest, rest.end()));
    return rest;
  };
  CHECK(eventually([&] { return idle().empty(); }));
  CHECK(idle() == std::set<std::string>{});
  for (std::size_t shard = 0; shard < c.shards(); ++shard) {
    INFO("shard " << shard);
    const auto denials = c.redis(shard).command({"ACL", "LOG"});
    REQUIRE(denials.if_array());
    CHECK(denials.if_array()->empty());
    // Two nodes, two connections each. The master speaks to no Redis.
    const auto clients = c.redis(shard).command({"CLIENT", "LIST"}).to_string();
    std::size_t ours = 0;
    for (auto at = clients.find(" user=starling "); at != std::string::npos;
         at = clients.find(" user=starling ", at + 1))
      ++ours;
    CHECK(ours == 4);
  }
}

TEST_CASE("a node with a wrong password for Redis says so and serves once it is right", "[redis_acl]") {
  auto plan = under_acl(1);
  plan.environment["late"] = {"STARLING_REDIS_PASSWORD=wrong"};
  cluster c(plan);
  c.start_node("late");
  const auto why = [&] { return http_get(c.port("late"), "/readyz"); };
  CHECK(eventually([&] { return why().body.find("WRONGPASS") != std::string::npos; }));
  CHECK(why().status == 503);
  CHECK_THAT(why().body, Catch::Contains("shard s0 ("));
  CHECK_THAT(c.log_of("late"), Catch::Contains("shard.down") && Catch::Contains("AUTH: WRONGPASS"));
  CHECK_THAT(c.log_of("late"), !Catch::Contains("open-sesame"));
  CHECK(c.node("late").running());
  CHECK(c.is_ready("a"));
  c.redis(0).command({"ACL", "SETUSER", "starling", ">wrong"});
  c.wait_ready("late");
}

TEST_CASE("a shard whose ACL lacks something is away and says what it lacks until it is granted", "[redis_acl]") {
  struct lack {
    std::vector<std::string> without, with;
    std::string says;
  };
  const lack lacks[] = {
      {{"-xadd"}, {"+xadd"}, "DENIED XADD"},
      {{"-zrangebylex"}, {"+zrangebylex"}, "DENIED ZRANGEBYLEX"},
      {{"-hget"}, {"+hget"}, "can't run this command"}, // in what stands before every script
      {{"-evalsha"}, {"+evalsha"}, "run the 'evalsha' command"},
      {{"-script|load"}, {"+script|load"}, "SCRIPT LOAD of"},
      {{"-subscribe"}, {"+subscribe"}, "run the 'subscribe' command"},
      {{"resetkeys", "~starling:shard", "~starling:leases", "~user:*"}, {"~room:*"}, "on room:info:any"},
      {{"resetchannels", "&starling:probe", "&room:*", "&user:*"}, {"&presence:*"}, "on presence:any"},
  };
  cluster c(under_acl(2));
  client_loop loop;
  chat_client ann(loop, c.as("ann"));
  ann.opened();
  const auto rooms = c.room_on_each_shard(ann, "probe-");
  const auto may = [&](std::vector<std::string> rules) {
    rules.insert(rules.begin(), {"ACL", "SETUSER", "starling"});
    REQUIRE(c.redis(0).command(rules).to_string() == "OK");
  };
  for (const auto& each : lacks) {
    INFO(each.says);
    may(each.without);
    // A node that comes anew, and one that was there.
    c.node("b").kill9();
    c.node("b").restart();
    const auto says = [&](const std::string& node) {
      const auto why = http_get(c.port(node), "/readyz");
      return why.status == 503 && why.body.find("shard s0 (") != std::string::npos &&
             why.body.find(each.says) != std::string::npos;
    };
    CHECK(eventually([&] { return says("b"); }));
    CHECK_THAT(c.log_of("b"), Catch::Contains("shard.down") && Catch::Contains(each.says));
    CHECK(answer_of_send(ann, rooms[1]) == "ok");
    const auto here = answer_of_send(ann, rooms[0]);
    CHECK((here == "ok" || here == "503, retry"));
    may(each.with);
    c.wait_ready("b");
    c.wait_ready("a");
    CHECK(eventually([&] { return answer_of_send(ann, rooms[0]) == "ok"; }));
  }
  CHECK(!ann.ended());
}
