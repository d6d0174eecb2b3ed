#include <functional>

#include <catch2/catch.hpp>

#include "cluster_rules.hpp"

using namespace cluster_test;
using scene_test::random_order;

/// What the simulation (cluster_simulation_test.cpp) has found, each by itself.
namespace {

/// A master, and a node that has joined.
struct pair_of_processes {
  pair_of_processes() {
    all.settings.shards = {{"s1", "memory:1", 1}};
    all.start_master();
    node = &all.start_node("a", "h1", 1);
    live(3s);
    REQUIRE(node->hears_master());
    incarnation = node->incarnation();
  }

  void run_all() {
    while (all.ready() > 0)
      all.run(0);
  }
  /// Time passes, and whatever is ready happens.
  void live(milliseconds time) {
    for (constexpr auto step = 100ms; time > 0ms; time -= step) {
      all.pass(step);
      run_all();
    }
  }

  world all;
  node_process* node = nullptr;
  std::uint64_t incarnation = 0;
};

} // namespace

TEST_CASE("a node whose master dies while it joins comes to the next one in time", "[cluster]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    pair_of_processes s;
    random_order order(s.all, seed);
    s.all.net.break_connection(*s.node);
    s.run_all();
    s.all.pass(100ms); // as long as it waits at most before it tries again
    order.some_steps(60);
    s.all.end_master(false);
    s.all.start_master();
    s.live(4s);
    CHECK(s.node->evictions() == 0);
    CHECK(s.node->hears_master());
  }
}

TEST_CASE("a node that was declared dead joins again when its clients are sent away and not before", "[cluster]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    pair_of_processes s;
    random_order order(s.all, seed);
    s.all.start_node("b", "h2", 1); // is heard, so that the silence of the other says something
    s.live(3s);
    s.node->freeze();
    s.live(4s);
    CHECK_FALSE(s.all.master->picture().nodes.contains("a"));
    s.node->thaw();
    auto is_back = [&] { return s.all.master->picture().nodes.contains("a"); };
    for (int i = 0; i < 200 && !is_back(); ++i) {
      s.all.pass(10ms);
      while (!is_back() && order.step()) {
      }
    }
    REQUIRE(is_back());
    CHECK(s.node->evictions() == 1);
    CHECK(s.all.master->picture().nodes["a"].node.incarnation == s.node->incarnation());
  }
}

TEST_CASE("a cluster whose master heard nobody for a while goes on as if nothing had been", "[cluster]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    pair_of_processes s;
    random_order order(s.all, seed);
    auto& other = s.all.start_node("b", "h2", 1);
    s.live(3s);
    auto other_incarnation = other.incarnation();
    auto cut_off = [&](bool is) { s.all.master->cut_in = s.all.master->cut_out = is; };
    auto freeze = [&](bool is) { is ? s.all.master->freeze() : s.all.master->thaw(); };
    auto restart = [&](bool is) {
      if (!is) return cut_off(false);
      s.all.end_master(false);
      s.all.start_master();
      cut_off(true);
    };
    for (const auto& fault :
         {std::function<void(bool)>(cut_off), std::function<void(bool)>(freeze), std::function<void(bool)>(restart)}) {
      fault(true);
      s.live(10s);
      fault(false);
      for (int i = 0; i < 1'000; ++i) {
        s.all.pass(10ms);
        order.some_steps(60);
      }
      s.run_all();
      CHECK(s.node->hears_master());
      CHECK(other.hears_master());
    }
    CHECK(s.node->evictions() + other.evictions() == 0);
    CHECK(s.node->incarnation() == s.incarnation);
    CHECK(other.incarnation() == other_incarnation);
  }
}
