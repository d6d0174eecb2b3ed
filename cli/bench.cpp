#include "cli/commands.hpp"

#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/bench_floor.hpp"
#include "cli/bench_report.hpp"

namespace starling::cli {

namespace {

constexpr int usage = 2;

// Users of one run must not meet those of another: their rooms would still be theirs, and cost.
std::string new_run() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  auto number = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  std::string name;
  for (; number > 0; number /= 36)
    name.insert(name.begin(), "0123456789abcdefghijklmnopqrstuvwxyz"[number % 36]);
  return name + ".";
}

/// Returns what is wrong with the options, or an empty string.
std::string check(const bench_options& options) {
  if (options.what == scenario::fanout && options.rooms > options.clients) return "--rooms: more rooms than clients";
  if (options.what == scenario::pairs && options.clients % 2 != 0) return "--clients: pairs need an even number";
  auto files = options.clients + 64;
  if (auto may = raise_open_files(files); may < files)
    return "--clients: this process may have only " + std::to_string(may) + " open files (ulimit -Hn)";
  for (auto pid : options.pids)
    if (!usage_of({pid})) return "--pids: there is no process " + std::to_string(pid);
  for (auto pid : options.redis_pids)
    if (!usage_of({pid})) return "--redis-pids: there is no process " + std::to_string(pid);
  return {};
}

// On a terminal each line takes the place of the one before; into a file nothing is told.
void tell(const std::string& line) {
  static const bool terminal = isatty(STDERR_FILENO) != 0;
  if (terminal) std::fprintf(stderr, "\r\033[K%s", line.c_str());
}

run_result against_floor(const bench_options& options, const floor_server& floor) {
  auto shorter = options;
  shorter.seconds = options.floor_only ? options.seconds : std::min(options.floor, options.seconds);
  return run_once(shorter, {floor.where()}, fleet::target::floor, {floor.pid()}, tell);
}

int bench(const bench_options& options) {
  auto wrong = check(options);
  std::vector<endpoint> nodes;
  for (const auto& url : options.nodes)
    if (wrong.empty()) wrong = resolve(url, nodes.emplace_back());
  if (!wrong.empty()) {
    std::cerr << "starling bench: " << wrong << "\n";
    return usage;
  }

  std::optional<run_result> result, floor_result;
  if (!options.floor_only) result = run_once(options, nodes, fleet::target::nodes, options.pids, tell);
  bool has_floor = options.what == scenario::fanout || options.what == scenario::pairs;
  if (has_floor && (options.floor_only || (options.floor.count() > 0 && result->clients > 0))) {
    floor_server floor;
    if (floor.running())
      floor_result = against_floor(options, floor);
    else
      std::cerr << "starling bench: the floor could not be started\n";
  }
  tell("");
  std::cout << (options.json ? json(options, result, floor_result) : table(options, result, floor_result))
            << std::flush;
  return result && failed(*result) ? 1 : 0;
}

} // namespace

void add_bench_command(CLI::App& app, std::function<int()>& chosen) {
  auto options = std::make_shared<bench_options>();
  auto* command = app.add_subcommand("bench", "Put load on running nodes and tell what came of it");
  command->footer(
      "Every acknowledged message must arrive at each member once and in order: exit code 1 if one does not.\n"
      "Latency counts from when a message was due (open loop). CPU and memory are told for --pids.\n"
      "fanout and pairs are repeated against the floor, a server that does nothing but send(2).\n"
      "The nodes must run with auth.mode = \"open\".");

  auto scenario_name = std::make_shared<std::string>("fanout");
  command->add_option("--scenario", *scenario_name, "fanout, pairs, idle or connect")
      ->check(CLI::IsMember({"fanout", "pairs", "idle", "connect"}))
      ->capture_default_str();
  command->add_option("--nodes", options->nodes, "URLs, by commas; clients are spread over them")
      ->delimiter(',')
      ->capture_default_str();
  command->add_option("--clients", options->clients, "connections, each of its own user")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--rooms", options->rooms, "fanout: rooms that the clients are divided among")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command->add_option("--rate", options->rate, "messages/s in all")
      ->check(CLI::Range(0.01, 1e6))
      ->capture_default_str();
  auto seconds = [&](const char* name, std::chrono::duration<double>& to, const char* help, double least) {
    command
        ->add_option_function<double>(
            name, [&to](double s) { to = std::chrono::duration<double>(s); }, help)
        ->check(CLI::Range(least, 86'400.0))
        ->default_str(CLI::detail::to_string(to.count()));
  };
  seconds("--seconds", options->seconds, "measured, after the warm-up", 0.1);
  seconds("--warmup", options->warmup, "seconds before", 0);
  seconds("--floor", options->floor, "seconds to measure the floor; 0: not", 0);
  command->add_flag("--floor-only", options->floor_only, "measure nothing but the floor, for --seconds");
  command->add_option("--size", options->text_bytes, "bytes of text per message")
      ->check(CLI::Range(text_bytes_min, std::size_t{16 * 1024}))
      ->capture_default_str();
  command->add_option("--pids", options->pids, "server processes, by commas")->delimiter(',');
  command->add_option("--redis-pids", options->redis_pids, "Redis processes, by commas")->delimiter(',');
  command->add_option("--concurrency", options->concurrency, "clients that connect at the same time")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  auto timeout = std::make_shared<double>(10);
  command->add_option("--timeout", *timeout, "seconds for a client to be ready, and for what is under way at the end")
      ->check(CLI::Range(0.1, 600.0))
      ->capture_default_str();
  command->add_option("--run", options->run, "part of the names of users and rooms; new by default");
  command->add_flag("--json", options->json, "one line of JSON instead of the table");

  command->callback([options, scenario_name, timeout, &chosen] {
    for (auto what : {scenario::fanout, scenario::pairs, scenario::idle, scenario::connect})
      if (name_of(what) == *scenario_name) options->what = what;
    options->timeout = std::chrono::milliseconds(static_cast<std::int64_t>(*timeout * 1000));
    if (options->run.empty()) options->run = new_run();
    chosen = [options] { return bench(*options); };
  });
}

} // namespace starling::cli
