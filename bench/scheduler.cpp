// What it costs to run actors on Asio's threads, beside CAF's own schedulers: two actors that throw a number to and
// fro.
//
//     cmake --build build/release --target scheduler_bench && build/release/scheduler_bench
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>

#include <boost/asio/io_context.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include "actors/scheduler.hpp"

namespace {

constexpr int rounds = 200'000;

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

caf::behavior wall(caf::event_based_actor*) {
  return {[](int i) { return i; }};
}

caf::behavior player(caf::event_based_actor* self, caf::actor against) {
  self->send(against, rounds);
  return {[=](int i) {
    if (i > 0) return self->send(against, i - 1);
    self->send_exit(against, caf::exit_reason::user_shutdown);
    self->quit();
  }};
}

void measure(const char* name, const char* policy, unsigned threads) {
  boost::asio::io_context io(static_cast<int>(threads));
  caf::actor_system_config config;
  config.set("scheduler.max-threads", threads).set("scheduler.max-throughput", 50u);
  if (policy)
    config.set("scheduler.policy", caf::atom_from_string(caf::string_view(policy, std::strlen(policy))));
  else
    starling::use_asio_scheduler(config, io);
  auto cpu = cpu_seconds();
  auto begin = std::chrono::steady_clock::now();
  {
    caf::actor_system system(config);
    system.spawn(player, system.spawn(wall));
    system.await_all_actors_done();
  }
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("%-28s threads=%u  %.2f us a message, %.2f us of CPU\n", name, threads, took.count() / (2 * rounds) * 1e6,
              (cpu_seconds() - cpu) / (2 * rounds) * 1e6);
}

} // namespace

int main() {
  for (unsigned threads : {1u, 2u}) {
    measure("CAF, work stealing", "stealing", threads);
    measure("CAF, work sharing", "sharing", threads);
    measure("Asio (ours)", nullptr, threads);
  }
}
