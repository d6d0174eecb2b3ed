#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/console/commands.hpp"
#include "cli/console/moment.hpp"
#include "cli/console/table.hpp"

namespace starling::cli {
namespace {

using nlohmann::json;

console_report flight(console_cluster& cluster, const json& arguments) {
  table all({"at", "process", "kind", "name", "message", "waited ms", "took ms"});
  auto answers = cluster.ask("flight", arguments);
  for (auto& [from, it, error] : answers) {
    if (!error.empty()) continue;
    for (auto& one : it["slow"])
      all.add({moment_text(one.value("at", std::int64_t{0})), from.name, cell(one, "kind"), cell(one, "name"),
               cell(one, "message"), fmt::format("{:.1f}", one.value("waited_ms", 0.0)),
               fmt::format("{:.1f}", one.value("took_ms", 0.0))});
  }
  for (auto& [from, it, error] : answers)
    if (error.empty()) {
      auto folder = cell(it, "directory");
      all.add_note(paint(tone::faint, from.name + (folder.empty() ? " has no flight recorder (log.flight_directory)"
                                                                  : " writes its flight recorder to " + folder)));
    }
  return report_of(all, answers);
}

} // namespace

void add_flight(CLI::App& console, const console_request_ptr& request) {
  auto* command = console.add_subcommand("flight", "The messages that actors were slow with lately, of all processes");
  auto arguments = std::make_shared<json>(json::object());
  command
      ->add_option_function<unsigned>(
          "--limit", [arguments](unsigned value) { (*arguments)["limit"] = value; }, "At most so many of each process")
      ->check(CLI::Range(1, 256));
  command->footer("The same, and the last events, are in the flight recorder's file, which a process writes when it\n"
                  "crashes, or on SIGUSR1: see docs/OPERATIONS.md.");
  command->callback([request, arguments] {
    request->report = [arguments](console_cluster& all) { return flight(all, *arguments); };
  });
}

} // namespace starling::cli
