// Networks between processes that are cut, both ways and one way: each process in a network namespace of its own.
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <thread>

#include "tests/support/cluster.hpp"
#include "tests/support/crowd.hpp"
#include "tests/support/http_request.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

constexpr auto cut_for = 30s;
const std::vector<std::string> node_names = {"a", "b"};

/// Says why a test does nothing here, as in a container without CAP_NET_ADMIN.
bool networks_are_refused() {
  const auto why = private_network::refusal();
  if (why) WARN("not tested here: " << *why);
  return why.has_value();
}

/// The slot table that a node applies, as it says itself.
struct applied_table {
  std::uint64_t epoch = 0;
  std::string digest;
};

applied_table table_of(const cluster& c, const std::string& node) {
  const auto said = json::parse(http_get(c.port(node), "/readyz").body, nullptr, false);
  if (!said.is_object()) return {};
  return {said.value("epoch", std::uint64_t{0}), said.value("digest", "")};
}

/// "redis://198.18.7.1:6379" in the other spelling that it has: "redis://198.18.1793:6379".
std::string respelled(const std::string& address) {
  const auto port = address.rfind(':'), last = address.rfind('.'), third = address.rfind('.', last - 1);
  const auto number = std::stoul(address.substr(third + 1)) * 256 + std::stoul(address.substr(last + 1));
  return address.substr(0, third + 1) + std::to_string(number) + address.substr(port);
}

/// The master starts anew and makes another table, by which no slot moves.
void change_table(cluster& c) {
  const auto file = c.directory() / "master.toml", before = c.redis(0).address();
  auto settings = read_file(file);
  settings.replace(settings.find(before), before.size(), respelled(before));
  write_file(file, settings);
  c.master().kill9();
  c.master().restart();
}

/// A cluster of which a part will be cut off, with two hundred who talk.
struct cut_scene {
  private_network net{{"master", "a", "b"}};
  cluster c{{.nodes = node_names, .tls = true, .between = &net}};
  client_loop loop;
  crowd people{loop, {c.port("a"), c.port("b")}, {200, 40, 2}};
  std::map<std::string, std::uint64_t> epochs; // the highest that each node has told

  cut_scene() {
    people.talk(500ms);
    CHECK(people.wait_acknowledged(200, 30s));
    watch_epochs();
  }

  /// No node ever goes back to an older table.
  void watch_epochs() {
    for (const auto& node : node_names) {
      const auto now = table_of(c, node).epoch;
      if (now < epochs[node]) FAIL_CHECK("node " << node << " went from epoch " << epochs[node] << " to " << now);
      epochs[node] = std::max(epochs[node], now);
    }
  }

  void stay_cut() {
    const auto end = steady::now() + cut_for;
    for (; steady::now() < end; std::this_thread::sleep_for(200ms)) // so long it is cut
      watch_epochs();
  }

  bool one_table() {
    watch_epochs();
    const auto a = table_of(c, "a"), b = table_of(c, "b");
    return a.epoch > 0 && a.epoch == b.epoch && a.digest == b.digest;
  }

  bool joined(const std::string& node) {
    const auto said = json::parse(http_get(c.port(node), "/readyz").body, nullptr, false);
    return said.is_object() && said.value("ready", false) && said.value("master_reachable", false);
  }

  /// Who of the two hundred is not online as it is seen through this node, or why that cannot be told; else nothing.
  std::string missed_by(const std::string& node) {
    std::vector<std::string> users;
    for (const auto& each : people.clients())
      users.push_back(each->user());
    chat_client asking(loop, c.as("asking", node));
    const auto opened = [](const json& frame) { return frame.value("method", "") == "session.opened"; };
    if (!asking.wait_for(opened, 1s)) return node + " opens no session"; // its shard is not back yet
    const auto answer = asking.call("presence.get", {{"users", users}});
    if (!answer.ok()) return node + " answers " + answer.error.dump();
    std::string missed;
    for (const auto& user : answer.result["users"])
      if (user["online"] != true) missed += " " + user.value("user", "?");
    return missed.empty() ? "" : node + " misses" + missed;
  }

  /// Within five seconds all are online, seen from everywhere.
  void check_all_online() {
    std::string missed;
    const auto nobody_missed = [&] {
      for (const auto& node : node_names)
        if (missed = missed_by(node); !missed.empty()) return false;
      return true;
    };
    const auto found = eventually(nobody_missed, 5s);
    INFO(missed);
    CHECK(found);
  }

  /// What must be so once the network is whole again.
  void check_healed() {
    check_all_online();
    CHECK(eventually([&] { return joined("a") && joined("b") && one_table(); }, 20s));
    // Who was sent away by a node that had been dead for the others is back as well.
    check_all_online();
    CHECK(c.knows("a", "b"));
    CHECK(c.knows("b", "a"));
    CHECK(people.wait_acknowledged(200, 30s));
    CHECK(people.settle(60s));
    for (const auto& node : node_names) {
      const auto faults = people.faults(c.port(node));
      INFO("the logs as told by " << node << ": " << describe(faults, people.seed()));
      CHECK(faults.empty());
    }
    CHECK(people.complaints() == no_complaints);
    CHECK(one_table());
  }
};

} // namespace

TEST_CASE("the master is cut off for half a minute and makes a new table and no client ever notices", "[network_cut]") {
  if (networks_are_refused()) return;
  cut_scene s;
  INFO("seed " << s.people.seed());
  const auto epoch = table_of(s.c, "a").epoch;
  s.net.unplug("master");
  change_table(s.c);
  const auto before = s.people.acknowledged();
  s.stay_cut();
  CHECK(s.people.acknowledged() > before + 2000);
  CHECK(s.people.unavailable() == 0);
  CHECK(s.people.reconnects() == 0);
  CHECK(!s.joined("a"));
  CHECK(table_of(s.c, "a").epoch == epoch);
  s.net.plug("master");
  s.check_healed();
  CHECK(table_of(s.c, "a").epoch > epoch);
  // It heard nobody, so it has taken nobody for dead.
  CHECK(s.people.reconnects() == 0);
  CHECK(s.c.log_of("master").find("master.hears_nobody") != std::string::npos);
}

TEST_CASE("a node is cut from the master and from Redis for half a minute and comes back whole", "[network_cut]") {
  if (networks_are_refused()) return;
  cut_scene s;
  INFO("seed " << s.people.seed());
  chat_client watcher(s.loop, s.c.as("watcher", "a"));
  watcher.opened();
  // A user of the one that is cut, and one of the other.
  watcher.ask("presence.watch", {{"users", {"user-1", "user-0"}}});
  s.net.unplug("b");
  CHECK_NOTHROW(watcher.expect("presence", {{"user", "user-1"}, {"online", false}}, 6s));
  s.stay_cut();
  CHECK(s.people.unavailable() > 0);
  CHECK(!s.c.is_ready("b"));
  CHECK(!s.c.knows("a", "b"));
  CHECK(watcher.count("presence", {{"user", "user-0"}}) == 0);
  CHECK(!watcher.ended());
  watcher.forget();
  s.net.plug("b");
  CHECK_NOTHROW(watcher.expect("presence", {{"user", "user-1"}, {"online", true}}, 5s));
  s.check_healed();
}

TEST_CASE("what a node says to the master is lost while it hears it and its clients never notice the cut",
          "[network_cut]") {
  if (networks_are_refused()) return;
  cut_scene s;
  INFO("seed " << s.people.seed());
  s.net.lose("a", "master");
  CHECK(eventually([&] { return s.c.log_of("master").find("node.dead") != std::string::npos; }, 10s));
  const auto before = s.people.acknowledged();
  s.stay_cut();
  CHECK(s.people.acknowledged() > before + 2000);
  CHECK(s.people.unavailable() == 0);
  s.net.carry("a", "master");
  s.check_healed();
}

TEST_CASE("what the master says to a node is lost and both are one cluster again when it is heard", "[network_cut]") {
  if (networks_are_refused()) return;
  cut_scene s;
  INFO("seed " << s.people.seed());
  s.net.lose("master", "b");
  const auto before = s.people.acknowledged();
  s.stay_cut();
  CHECK(s.people.acknowledged() > before + 2000);
  CHECK(s.people.unavailable() == 0);
  s.net.carry("master", "b");
  s.check_healed();
}
