#include <catch2/catch.hpp>

#include "cluster_rules.hpp"

using namespace cluster_test;
using scene_test::random_order;
using scene_test::seeds;

/// Whole clusters, master and nodes, under random schedules: processes start, freeze, die and leave, cables are cut,
/// messages wait, masters come back with other shards, or with an old file, or without one.
namespace {

class simulation {
public:
  enum class files { kept, may_be_lost };

  explicit simulation(std::uint64_t seed, files what = files::kept) : order_(world_, seed), files_(what), seed_(seed) {
    world_.settings.accept_moved_slots = true;
    world_.settings.shards = {{"s1", "memory:1", 1}, {"s2", "memory:2", 1}};
    start_master();
  }

  void act() {
    switch (order_.below(18)) {
    case 0:
    case 1:
      return start_node();
    case 2:
      if (auto* one = any_node()) end(*one);
      return;
    case 3:
      if (auto* one = any_node()) one->leave();
      return;
    case 4:
      if (auto* one = any_process()) one->freeze();
      return;
    case 5:
    case 6:
      if (auto* one = any_process()) one->thaw();
      return;
    case 7:
      if (auto* one = any_process()) (order_.one_in(2) ? one->cut_in : one->cut_out) = true;
      return;
    case 8:
    case 9:
      if (auto* one = any_process()) one->cut_in = one->cut_out = false;
      return;
    case 10:
      if (auto* one = any_node()) world_.net.break_connection(*one);
      return;
    case 11:
      return world_.master ? end_master() : start_master();
    case 12:
      return world_.master ? void() : start_master();
    default:
      return pass(milliseconds(1 + order_.below(900)));
    }
  }

  void some_steps() {
    for (auto left = order_.below(60); left > 0 && order_.step(); --left)
      look();
  }
  void all_steps() {
    while (order_.step())
      look();
  }
  void pass(milliseconds time) {
    world_.pass(time);
    look();
  }
  void pass_and_run(milliseconds time) {
    for (constexpr auto step = 100ms; time > 0ms; time -= step) {
      pass(step);
      all_steps();
    }
  }

  void start_master() {
    if (order_.one_in(3)) change_shards();
    if (files_ == files::may_be_lost && order_.one_in(2)) lose_file();
    world_.start_master();
    REQUIRE(world_.refused.empty());
    look();
  }
  void end_master() {
    if (files_ == files::may_be_lost && order_.one_in(3)) keep_copy();
    world_.end_master(order_.one_in(2));
  }
  void start_node() {
    constexpr std::size_t nodes_max = 5;
    if (world_.nodes.size() == nodes_max) return;
    std::string name(1, static_cast<char>('a' + order_.below(4))), host = order_.one_in(4) ? "h2" : "h1";
    if (!world_.runs(name, host)) world_.start_node(name, host, seed_);
    look();
  }
  void end(node_process& one) {
    rules_.node_ended(one);
    world_.end_node(one, order_.one_in(2));
  }

  /// Faults end, and there is time for all to find each other.
  void come_to_rest() {
    for (auto i = world_.nodes.begin(); i != world_.nodes.end();) {
      auto& one = *i++;
      if (one.leaving()) end(one);
    }
    if (!world_.master) start_master();
    std::vector<process*> all{world_.master.get()};
    for (auto& one : world_.nodes)
      all.push_back(&one);
    for (auto* one : all) {
      one->cut_in = one->cut_out = false;
      one->thaw();
    }
    pass_and_run(15s);
    auto why = rules_.unsettled();
    INFO(why);
    REQUIRE(why.empty());
  }

  world& stage() { return world_; }
  random_order& order() { return order_; }
  rules& law() { return rules_; }

private:
  void look() {
    auto why = rules_.broken();
    if (!why.empty()) FAIL(why);
  }
  node_process* any_node() {
    if (world_.nodes.empty()) return nullptr;
    return &*std::next(world_.nodes.begin(), static_cast<std::ptrdiff_t>(order_.below(world_.nodes.size())));
  }
  process* any_process() {
    if (world_.master && order_.one_in(4)) return world_.master.get();
    return any_node();
  }
  void change_shards() {
    auto& shards = world_.settings.shards;
    switch (order_.below(4)) {
    case 0:
      shards[0].address += "1"; // another address moves nothing
      return;
    case 1:
      shards[0].weight = 3 - shards[0].weight;
      break;
    default:
      if (shards.size() == 3) {
        shards.erase(shards.begin() + static_cast<std::ptrdiff_t>(order_.below(3)));
        break;
      }
      for (const auto* name : {"s1", "s2", "s3"})
        if (std::none_of(shards.begin(), shards.end(), [&](auto& one) { return one.name == name; }))
          return rules_.shards_changed(), shards.push_back({name, "memory:", 1});
    }
    rules_.shards_changed();
  }
  std::string copy() const { return world_.settings.state_file + ".copy"; }
  void keep_copy() {
    namespace fs = std::filesystem;
    if (fs::exists(world_.settings.state_file))
      fs::copy_file(world_.settings.state_file, copy(), fs::copy_options::overwrite_existing);
  }
  void lose_file() {
    rules_.master_forgot();
    std::filesystem::remove(world_.settings.state_file);
    if (order_.one_in(2) && std::filesystem::exists(copy()))
      std::filesystem::copy_file(copy(), world_.settings.state_file);
  }

  world world_;
  rules rules_{world_};
  random_order order_;
  files files_;
  std::uint64_t seed_;
};

void run(std::uint64_t seed, simulation::files what) {
  simulation all(seed, what);
  for (int i = 0; i < 120; ++i) {
    all.act();
    all.some_steps();
  }
  all.come_to_rest();
}

} // namespace

TEST_CASE("whoever dies, freezes or is cut off, all who live come to one view and one table",
          "[cluster][schedule][simulation]") {
  for (auto seed : seeds(30)) {
    INFO("STARLING_TEST_SEED=" << seed);
    run(seed, simulation::files::kept);
  }
}

TEST_CASE("a master that has lost its file, or has an old one, is taught by its nodes",
          "[cluster][schedule][simulation]") {
  for (auto seed : seeds(30)) {
    INFO("STARLING_TEST_SEED=" << seed);
    run(seed, simulation::files::may_be_lost);
  }
}

TEST_CASE("whatever happens to the master alone, no node loses its clients", "[cluster][schedule][simulation]") {
  for (auto seed : seeds(30)) {
    INFO("STARLING_TEST_SEED=" << seed);
    simulation all(seed);
    auto& stage = all.stage();
    auto& order = all.order();
    all.law().nobody_fails();
    for (const auto* name : {"a", "b", "c"})
      stage.start_node(name, "h1", seed);
    for (int i = 0; i < 30; ++i) {
      switch (order.below(4)) {
      case 0:
        if (stage.master) stage.master->freeze();
        break;
      case 1:
        if (stage.master) stage.master->thaw();
        break;
      default:
        stage.master ? all.end_master() : all.start_master();
      }
      all.pass_and_run(milliseconds(1 + order.below(5'000)));
    }
    all.come_to_rest();
  }
}
