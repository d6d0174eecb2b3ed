#include "cli/commands.hpp"

#include <unistd.h>

#include <CLI/App.hpp>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/bench/command_line.hpp"
#include "cli/bench/floor.hpp"
#include "cli/bench/report.hpp"

namespace starling::cli {

namespace {

// Users of one run must not meet those of another: their rooms would still be theirs, and cost.
std::string new_run() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  auto number = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  std::string name;
  for (; number > 0; number /= 36)
    name.insert(name.begin(), "0123456789abcdefghijklmnopqrstuvwxyz"[number % 36]);
  return name + ".";
}

// On a terminal each line takes the place of the one before; into a file nothing is told.
void tell(const std::string& line) {
  static const bool terminal = isatty(STDERR_FILENO) != 0;
  if (terminal) std::fprintf(stderr, "\r\033[K%s", line.c_str());
}

run_result against_floor(const bench_options& options, const floor_server& floor) {
  auto shorter = options;
  shorter.seconds = options.floor_only ? options.seconds : std::min(options.floor, options.seconds);
  return run_once(shorter, {floor.where()}, protocol::floor, {floor.pid()}, tell);
}

int bench(const bench_options& options) {
  auto wrong = check(options);
  std::vector<endpoint> nodes;
  if (!options.floor_only)
    for (const auto& url : options.nodes)
      if (wrong.empty()) wrong = resolve(url, nodes.emplace_back());
  redis_probe redis;
  if (wrong.empty() && !options.floor_only)
    if (wrong = redis.open(options.redis); !wrong.empty()) wrong = "--redis: " + wrong;
  metrics_probe metrics;
  if (wrong.empty() && !options.floor_only)
    if (wrong = metrics.open(options.metrics); !wrong.empty()) wrong = "--metrics: " + wrong;
  if (!wrong.empty()) {
    std::cerr << "starling bench: " << wrong << "\n";
    return exit_usage;
  }

  std::optional<run_result> result, floor_result;
  if (!options.floor_only) result = run_once(options, nodes, options.speaks, options.pids, tell, {&redis, &metrics});
  bool beside = options.floor.count() > 0 && has_floor(options.what) && result && result->clients > 0;
  if (options.floor_only || beside) {
    floor_server floor;
    if (!floor.running()) {
      std::cerr << "starling bench: the floor could not be started\n";
      return exit_failed;
    }
    floor_result = against_floor(options, floor);
  }
  tell("");
  std::cout << (options.json ? json(options, result, floor_result) : table(options, result, floor_result))
            << std::flush;
  return failed(result ? *result : *floor_result) ? exit_failed : exit_ok;
}

} // namespace

void add_bench_command(CLI::App& app, std::function<int()>& chosen) {
  auto options = std::make_shared<bench_options>();
  auto* command = app.add_subcommand("bench", "Put load on running nodes and tell what came of it");
  add_bench_options(*command, *options);
  command->callback([options, &chosen] {
    if (options->run.empty()) options->run = new_run();
    chosen = [options] { return bench(*options); };
  });
}

} // namespace starling::cli
