#include "cli/bench/options.hpp"

#include "cli/bench/endpoint.hpp"
#include "cli/bench/plan.hpp"
#include "cli/bench/usage.hpp"

namespace starling::cli {

std::string name_of(scenario what) {
  switch (what) {
  case scenario::fanout:
    return "fanout";
  case scenario::pairs:
    return "pairs";
  case scenario::busy:
    return "busy";
  case scenario::stalled:
    return "stalled";
  case scenario::storm:
    return "storm";
  case scenario::idle:
    return "idle";
  case scenario::connect:
    return "connect";
  }
  return "?";
}

namespace {

std::string check_scenario(const bench_options& options) {
  switch (options.what) {
  case scenario::busy:
    return options.clients + options.pairs == 0 ? "--clients, --pairs: nobody is there" : "";
  case scenario::pairs:
    if (options.clients % 2 != 0) return "--clients: pairs need an even number";
    break;
  case scenario::stalled:
    if (options.stalled == 0 || options.stalled >= options.clients)
      return "--stalled: from 1 to less than there are clients";
    [[fallthrough]];
  case scenario::fanout:
    if (options.rooms > options.clients) return "--rooms: more rooms than clients";
    break;
  case scenario::storm:
    if (options.watchers > options.observers) return "--watchers: more than there are observers";
    if (options.clients * options.watchers > options.observers * watches_max)
      return "--observers: each would watch more than " + std::to_string(watches_max) + " users";
    if (options.floor_only) return "--floor-only: the floor has no presence";
    break;
  default:
    break;
  }
  return options.clients == 0 ? "--clients: only busy goes without" : "";
}

} // namespace

std::string check(const bench_options& options) {
  if (auto wrong = check_scenario(options); !wrong.empty()) return wrong;
  auto files = plan_of(options, dialect_of(options.speaks)).clients.size() + 64;
  if (auto may = raise_open_files(files); may < files)
    return "--clients: this process may have only " + std::to_string(may) + " open files (ulimit -Hn)";
  for (auto pid : options.pids)
    if (!usage_of({pid})) return "--pids: there is no process " + std::to_string(pid);
  for (auto pid : options.redis_pids)
    if (!usage_of({pid})) return "--redis-pids: there is no process " + std::to_string(pid);
  return {};
}

} // namespace starling::cli
