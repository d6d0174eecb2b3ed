#include "random_order.hpp"

#include <cstdlib>

namespace scene_test {

bool random_order::step() {
  auto ready = stage_.ready();
  if (ready == 0) return false;
  stage_.run(below(ready));
  return true;
}

void random_order::some_steps(std::size_t at_most) {
  for (auto left = below(at_most + 1); left > 0 && step(); --left) {
  }
}

void run_actor(caf::scheduler::test_coordinator& sched, std::size_t which) {
  std::swap(sched.jobs.front(), sched.jobs[which]);
  sched.run_once();
}

std::vector<std::uint64_t> seeds(std::uint64_t count) {
  if (const auto* one = std::getenv("STARLING_TEST_SEED")) return {std::stoull(one)};
  if (const auto* more = std::getenv("STARLING_TEST_SEEDS")) count = std::stoull(more);
  std::vector<std::uint64_t> all;
  for (std::uint64_t seed = 1; seed <= count; ++seed)
    all.push_back(seed);
  return all;
}

} // namespace scene_test
