#include "chat/node_registry.hpp"

#include <map>
#include <random>
#include <set>

#include <catch2/catch.hpp>

#include "chat/cluster_state.hpp"

using namespace starling;
using namespace std::chrono_literals;

namespace {

using outcome = node_registry::join_outcome;

constexpr node_registry::time_point start{};
constexpr auto dead_after = 3s;
constexpr auto heartbeat = 500ms;
constexpr auto deaf_after = dead_after - 2 * heartbeat;

node_entry node_a(std::uint64_t incarnation, std::string url = "ws://a/ws") {
  return {"a", incarnation, std::move(url)};
}

/// A registry that hears somebody else, from `start` for as long as it is told: else it would take itself for cut off.
struct witnessed : node_registry {
  witnessed() : node_registry(dead_after, heartbeat) { join({"w", 1, "ws://w/ws"}, start); }
  void hear_other(time_point until) {
    for (; last < until; last += heartbeat)
      REQUIRE(beat("w", 1, last + heartbeat) == node_standing::alive);
  }
  time_point last = start;
};

} // namespace

TEST_CASE("a node is dead after exactly dead_after of silence", "[registry]") {
  witnessed registry;
  REQUIRE(registry.join(node_a(1), start).outcome == outcome::joined);
  REQUIRE(registry.beat("a", 1, start + 1s) == node_standing::alive);
  registry.hear_other(start + 3s);
  CHECK(registry.expire(start + 4s - 1ms).empty());
  CHECK(registry.expire(start + 4s) == std::vector{node_a(1)});
  CHECK(registry.size() == 1);
  CHECK(registry.beat("a", 1, start + 4s) == node_standing::dead);
}

TEST_CASE("a beat that comes too late does not revive, even if nobody has looked meanwhile", "[registry]") {
  witnessed registry;
  registry.join(node_a(1), start);
  registry.hear_other(start + 2s);
  CHECK(registry.beat("a", 1, start + 3s) == node_standing::dead);
  CHECK(registry.join(node_a(1), start + 3s).outcome == outcome::dead);
  CHECK(registry.join(node_a(2), start + 3s).outcome == outcome::joined);
}

TEST_CASE("dead is final, also for what is older than the dead", "[registry]") {
  witnessed registry;
  registry.join(node_a(7), start);
  registry.hear_other(start + 2s);
  registry.expire(start + 3s);
  for (std::uint64_t incarnation : {1u, 6u, 7u}) {
    auto result = registry.join(node_a(incarnation), start + 4s);
    CHECK(result.outcome == outcome::dead);
    CHECK(result.newest_dead == 7);
  }
  CHECK(registry.join(node_a(8), start + 4s).outcome == outcome::joined);
}

TEST_CASE("who hears nobody takes nobody for dead, and gives all their time when somebody is heard", "[registry]") {
  node_registry registry(dead_after, heartbeat);
  CHECK_FALSE(registry.hears_nobody(start + 1h)); // there is nobody
  registry.join(node_a(1), start);
  registry.join({"b", 1, "ws://b/ws"}, start);
  registry.beat("b", 1, start + 1s);
  CHECK_FALSE(registry.hears_nobody(start + 1s + deaf_after - 1ms));
  CHECK(registry.hears_nobody(start + 1s + deaf_after));
  CHECK(registry.expire(start + dead_after).empty()); // else `a` would be dead at that moment
  auto now = start + 1min;
  CHECK(registry.expire(now).empty());
  std::vector<node_entry> silent = {node_a(1)};
  SECTION("by a beat") { CHECK(registry.beat("b", 1, now) == node_standing::alive); }
  SECTION("that joins again") { CHECK(registry.join({"b", 1, "ws://b/ws"}, now).outcome == outcome::joined); }
  SECTION("that has begun anew meanwhile") {
    CHECK(registry.join({"b", 2, "ws://b/ws"}, now).outcome == outcome::joined);
    CHECK(registry.is_dead("b", 1));
  }
  SECTION("that is new") {
    CHECK(registry.join({"c", 1, "ws://c/ws"}, now).outcome == outcome::joined);
    silent.push_back({"b", 1, "ws://b/ws"});
  }
  CHECK_FALSE(registry.hears_nobody(now));
  const auto* heard = silent.size() == 1 ? "b" : "c";
  for (auto later = 1s; later < 2 * dead_after; later += 1s)
    registry.beat(heard, registry.is_dead("b", 1) ? 2 : 1, now + later);
  CHECK(registry.expire(now + 2 * dead_after - 1ms).empty());
  CHECK(registry.expire(now + 2 * dead_after) == silent);
}

TEST_CASE("who takes the name of one that died unheard gets it when that one has had its time", "[registry]") {
  node_registry registry(dead_after, heartbeat);
  registry.restore({node_a(5)}, {}, start);
  auto now = start + 1min;
  CHECK(registry.expire(now).empty());
  for (; now < start + 1min + 2 * dead_after; now += 1s) {
    CHECK(registry.join(node_a(3, "ws://other/ws"), now).outcome == outcome::name_taken);
    CHECK(registry.expire(now).empty());
  }
  CHECK(registry.expire(now) == std::vector{node_a(5)});
  auto result = registry.join(node_a(3, "ws://other/ws"), now);
  CHECK(result.outcome == outcome::dead); // it comes as a newer one than that then
  CHECK(result.newest_dead == 5);
}

TEST_CASE("who knocks now and then does not keep the dead alive", "[registry]") {
  node_registry registry(dead_after, heartbeat);
  registry.restore({node_a(5)}, {}, start);
  auto now = start;
  for (auto end = start + 3 * dead_after; now < end; now += deaf_after) {
    CHECK(registry.expire(now).empty());
    CHECK(registry.join(node_a(3, "ws://other/ws"), now).outcome == outcome::name_taken);
  }
  CHECK(registry.expire(now - deaf_after + 1ms) == std::vector{node_a(5)});
}

TEST_CASE("a beat of nobody who is known is not heard", "[registry]") {
  node_registry registry(dead_after, heartbeat);
  registry.restore({node_a(5)}, {{"b", 3}}, start);
  CHECK(registry.beat("x", 1, start + 1min) == node_standing::unknown);
  CHECK(registry.beat("b", 3, start + 1min) == node_standing::dead);
  CHECK(registry.hears_nobody(start + 1min));
}

TEST_CASE("a node that left is not taken back as the same incarnation", "[registry]") {
  node_registry registry(dead_after, heartbeat);
  registry.join(node_a(1), start);
  CHECK_FALSE(registry.leave("a", 2));
  CHECK(registry.leave("a", 1));
  CHECK_FALSE(registry.leave("a", 1));
  CHECK(registry.beat("a", 1, start) == node_standing::dead);
  CHECK(registry.join(node_a(1), start).outcome == outcome::dead); // late, over another connection
  CHECK(registry.join(node_a(2), start).outcome == outcome::joined);
}

TEST_CASE("a restarted node takes its name over at once, and the old incarnation is dead", "[registry]") {
  node_registry registry(dead_after, heartbeat);
  registry.join(node_a(1), start);
  registry.beat("a", 1, start + 2s);
  registry.beat("a", 1, start + 4s);
  auto result = registry.join(node_a(2), start + 5s);
  REQUIRE(result.outcome == outcome::joined);
  CHECK(result.existing == node_a(1));
  CHECK(registry.beat("a", 1, start + 5s) == node_standing::dead);
  CHECK(registry.beat("a", 2, start + 5s) == node_standing::alive);
}

TEST_CASE("a name stays with the node that lives", "[registry]") {
  node_registry registry(dead_after, heartbeat);
  registry.join(node_a(5), start);
  registry.beat("a", 5, start + 2s);
  registry.beat("a", 5, start + 4s);
  SECTION("against another address") {
    auto result = registry.join(node_a(6, "ws://other/ws"), start + 5s);
    CHECK(result.outcome == outcome::name_taken);
    CHECK(result.existing == node_a(5));
  }
  SECTION("against an older incarnation") {
    CHECK(registry.join(node_a(4), start + 5s).outcome == outcome::name_taken);
  }
  SECTION("against a newcomer that follows too soon on the last") {
    REQUIRE(registry.join(node_a(6), start + 5s).outcome == outcome::joined);
    CHECK(registry.join(node_a(7), start + 6s).outcome == outcome::name_taken);
  }
  for (auto later : {6s, 7s, 8s})
    registry.join(node_a(9, "ws://other/ws"), start + later);
  CHECK(registry.join(node_a(9, "ws://other/ws"), start + 9s).outcome == outcome::joined); // the others are silent
}

TEST_CASE("restored nodes have dead_after to come back, and may come back anew at once", "[registry]") {
  node_registry registry(dead_after, heartbeat);
  registry.restore({node_a(5), {"b", 3, "ws://b/ws"}, {"c", 2, "ws://c/ws"}}, {{"c", 2}, {"d", 9}}, start);
  CHECK(registry.nodes() == std::vector<node_entry>{node_a(5), {"b", 3, "ws://b/ws"}});
  CHECK(registry.join(node_a(6), start + 1ms).outcome == outcome::joined);
  CHECK(registry.join({"d", 9, ""}, start).outcome == outcome::dead);
  for (auto later : {1s, 2s})
    CHECK(registry.beat("a", 6, start + later) == node_standing::alive);
  CHECK(registry.expire(start + 3s) == std::vector<node_entry>{{"b", 3, "ws://b/ws"}});
}

TEST_CASE("only so many of the dead are remembered, and only so many nodes taken in", "[registry]") {
  node_registry registry(dead_after, heartbeat);
  std::vector<dead_entry> dead;
  for (std::size_t i = 0; i < node_registry::dead_max + 2; ++i)
    dead.push_back({"n" + std::to_string(i), 1});
  registry.restore({}, dead, start);
  CHECK(registry.dead() == std::vector(dead.begin() + 2, dead.end()));
  for (std::size_t i = 0; i < node_registry::nodes_max; ++i)
    REQUIRE(registry.join({"m" + std::to_string(i), 1, ""}, start).outcome == outcome::joined);
  CHECK(registry.join({"more", 1, ""}, start).outcome == outcome::full);
  CHECK(registry.join({"m0", 1, ""}, start).outcome == outcome::joined);
}

TEST_CASE("whatever happens, of one name one incarnation lives and the dead stay dead", "[registry]") {
  const auto seed = GENERATE(range(1u, 21u));
  INFO("seed " << seed);
  std::mt19937 random(seed);
  auto pick = [&](std::uint64_t n) { return std::uniform_int_distribution<std::uint64_t>(0, n - 1)(random); };
  node_registry registry(dead_after, heartbeat);
  auto now = start;
  // The same rules, written down as slowly as possible.
  std::map<std::pair<std::string, std::uint64_t>, node_registry::time_point> heard;
  std::set<std::pair<std::string, std::uint64_t>> dead, excused;
  auto anybody = now; // was heard then
  for (int step = 0; step < 2'000; ++step) {
    now += std::chrono::milliseconds(pick(700));
    const std::string name(1, static_cast<char>('a' + pick(4)));
    const auto incarnation = 1 + pick(3) + static_cast<std::uint64_t>(step) / 100;
    const auto id = std::pair(name, incarnation);
    const auto deaf = !heard.empty() && now - anybody >= deaf_after;
    const auto hear_somebody = [&] {
      anybody = now;
      if (!deaf) return;
      for (auto& [one, when] : heard)
        if (excused.insert(one).second) when = now + dead_after;
    };
    switch (pick(4)) {
    case 0: {
      hear_somebody();
      auto result = registry.join({name, incarnation, "ws://" + std::to_string(pick(2))}, now);
      if (dead.contains(id)) REQUIRE(result.outcome == outcome::dead);
      if (auto known = heard.find(id); known != heard.end()) {
        REQUIRE((result.outcome == outcome::dead) == (now - known->second >= dead_after));
        if (result.outcome == outcome::dead) dead.insert(heard.extract(known).key());
      }
      if (result.outcome != outcome::joined) break;
      if (result.existing) {
        REQUIRE(result.existing->incarnation < incarnation);
        heard.erase({name, result.existing->incarnation});
        dead.insert({name, result.existing->incarnation});
      }
      heard[id] = now;
      excused.erase(id);
      break;
    }
    case 1: {
      auto standing = registry.beat(name, incarnation, now);
      auto known = heard.find(id);
      if (known != heard.end()) hear_somebody();
      auto alive = known != heard.end() && now - known->second < dead_after;
      REQUIRE((standing == node_standing::alive) == alive);
      if (alive) {
        known->second = now;
        excused.erase(id);
      }
      if (dead.contains(id)) REQUIRE(standing == node_standing::dead);
      break;
    }
    case 2:
      if (pick(4) == 0) REQUIRE(registry.leave(name, incarnation) == (heard.erase(id) == 1));
      break;
    default:
      for (const auto& gone : registry.expire(now)) {
        auto known = heard.find({gone.name, gone.incarnation});
        REQUIRE(known != heard.end());
        REQUIRE_FALSE(deaf);
        REQUIRE(now - known->second >= dead_after);
        heard.erase(known);
        dead.insert({gone.name, gone.incarnation});
      }
      for (const auto& [alive, when] : heard)
        REQUIRE((deaf || now - when < dead_after));
    }
    auto nodes = registry.nodes();
    std::set<std::string> names;
    for (const auto& node : nodes) {
      REQUIRE(names.insert(node.name).second);
      REQUIRE_FALSE(dead.contains({node.name, node.incarnation}));
    }
    REQUIRE(nodes.size() == heard.size());
  }
}

TEST_CASE("a master's state survives its file, and a damaged file is recognised", "[registry]") {
  cluster_state state{"starling",
                      make_slot_table({{"s1", "redis://h:1", 1}, {"s2", "redis://h:2", 2}}, 7),
                      {node_a(5)},
                      {{"b", 3}, {"a", 4}}};
  auto text = state.encode();
  auto again = cluster_state::decode(text);
  REQUIRE(std::holds_alternative<cluster_state>(again));
  CHECK(std::get<cluster_state>(again) == state);

  auto fault_of = [](std::string_view json) {
    auto result = cluster_state::decode(json);
    auto* fault = std::get_if<std::string>(&result);
    return fault ? *fault : std::string();
  };
  for (std::size_t length = 0; length + 2 < text.size(); length += 7)
    REQUIRE_FALSE(fault_of(std::string_view(text).substr(0, length)).empty());
  auto replaced = [&](std::string_view what, std::string_view by) {
    auto copy = text;
    copy.replace(copy.find(what), what.size(), by);
    return fault_of(copy);
  };
  CHECK(replaced("\"format\": 1", "\"format\": 2") == "format: 2 is not 1, the one that this version reads");
  CHECK(replaced("\"weight\": 2", "\"weight\": 3").starts_with("table: digest: "));
  CHECK(replaced("\"url\"", "\"uri\"") == "nodes: an entry without name, incarnation or url");
  CHECK(replaced("\"dead\"", "\"bread\"") == "dead: missing, or not an array");
  CHECK(fault_of("[]") == "not a JSON object");
  // Deeper than the stack: left out, and thus missing in what the table should be.
  const std::string deep = std::string(300'000, '[') + std::string(300'000, ']');
  CHECK_FALSE(replaced("\"table\": {", "\"table\": {\"more\": " + deep + ",").starts_with("not a JSON"));
  CHECK(fault_of(R"({"format": 1, "cluster": "c", "nodes": [], "dead": [], "table": )" + deep + "}") ==
        "table: missing, or not an object");
}
