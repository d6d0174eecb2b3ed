#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include <caf/scheduler/test_coordinator.hpp>

namespace scene_test {

/// Things that are ready to happen, in any order.
class stage {
public:
  virtual ~stage() = default;
  virtual std::size_t ready() const = 0;
  /// Lets one of them happen: from 0 to `ready()` - 1.
  virtual void run(std::size_t which) = 0;
};

/// Runs what is ready in an order drawn from a seed.
class random_order {
public:
  random_order(stage& of, std::uint64_t seed) : stage_(of), draw_(seed) {}

  /// One of the things that are ready; false if there is none.
  bool step();
  void some_steps(std::size_t at_most);
  void all_steps() {
    while (step()) {
    }
  }
  /// From 0 to `end` - 1.
  std::size_t below(std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(draw_); }
  bool one_in(std::size_t n) { return below(n) == 0; }

private:
  stage& stage_;
  std::mt19937_64 draw_;
};

/// Lets one of the actors that are ready handle one message.
void run_actor(caf::scheduler::test_coordinator& sched, std::size_t which);

/// From 1 to `count`, or the one that the environment names: STARLING_TEST_SEED repeats a run. STARLING_TEST_SEEDS asks
/// for more.
std::vector<std::uint64_t> seeds(std::uint64_t count);

} // namespace scene_test
