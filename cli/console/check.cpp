#include <algorithm>
#include <array>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/console/checks.hpp"
#include "cli/console/commands.hpp"
#include "cli/console/moment.hpp"
#include "cli/console/table.hpp"

namespace starling::cli {
namespace {

using nlohmann::json;

constexpr std::array<const char*, 3> names{"fine", "warning", "critical"};

check_ground ground_of(console_cluster& cluster) {
  constexpr std::chrono::seconds moment{1};
  auto since = now_unix_ms() - std::chrono::milliseconds(recent).count();
  return {cluster.ask("process"), cluster.ask("actors", {{"sort", "handling"}, {"limit", 10}}),
          cluster.ask("events", {{"since", static_cast<std::uint64_t>(since)}, {"level", "warn"}, {"limit", 1'000}}),
          [&cluster, moment] {
            std::this_thread::sleep_for(moment);
            return cluster.ask("process");
          }};
}

console_report report_of_findings(const findings& found, std::size_t processes) {
  auto worst = severity::fine;
  auto list = json::array();
  table all({"how bad", "process", "what", "see"});
  for (auto& one : found) {
    worst = std::max(worst, one.how_bad);
    auto* name = names.at(static_cast<std::size_t>(one.how_bad));
    list.push_back({{"severity", name}, {"process", one.process}, {"what", one.what}, {"see", one.see}});
    all.add({{name, one.how_bad == severity::critical ? tone::bad : tone::warn}, one.process, one.what, one.see});
  }
  auto* name = names.at(static_cast<std::size_t>(worst));
  auto text = found.empty() ? paint(tone::good, fmt::format("fine: {} processes, nothing found", processes)) + "\n"
                            : all.text();
  return {text, {{"status", name}, {"processes", processes}, {"findings", std::move(list)}}, static_cast<int>(worst)};
}

console_report run_checks(console_cluster& cluster) {
  auto ground = ground_of(cluster);
  findings found;
  for (auto look : all_checks()) {
    auto some = look(ground);
    found.insert(found.end(), some.begin(), some.end());
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const finding& a, const finding& b) { return a.how_bad > b.how_bad; });
  return report_of_findings(found, ground.processes.size());
}

} // namespace

void add_check(CLI::App& console, const console_request_ptr& request) {
  auto* command =
      console.add_subcommand("check", "All that can be wrong with the cluster, a line each: for monitoring");
  command->footer("The exit code is 0: fine, 1: a warning, 2: critical, 3: nothing could be looked at, as when the\n"
                  "command line is wrong or the master away (a node can be asked then, by --node).\n\n"
                  "Example:\n  starling console --config config/master.toml check || echo \"look at it\"");
  command->callback([request] {
    request->status_unknown = exit_unknown;
    request->report = run_checks;
  });
}

} // namespace starling::cli
