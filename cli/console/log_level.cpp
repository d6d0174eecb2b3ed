#include <CLI/CLI.hpp>

#include "cli/console/admin.hpp"

namespace starling::cli {
namespace {

using nlohmann::json;

console_report levels(console_cluster& cluster, const json& arguments, const std::string& process) {
  const bool changes = arguments.contains("level");
  table all({"process", "level", "components"});
  auto answers =
      ask_named(cluster, process, {}, changes ? "log_level" : "log_levels", changes ? arguments : json::object());
  for (auto& [from, it, error] : answers) {
    if (!error.empty()) continue;
    std::string components;
    for (auto& one : it["levels"])
      components += (components.empty() ? "" : ", ") + one.get<std::string>();
    all.add({from.name, cell(it, "level"), components});
  }
  return report_change(all, answers, arguments, process);
}

} // namespace

void add_log_level(CLI::App& console, const console_request_ptr& request) {
  auto* command = console.add_subcommand("log-level", "How much is logged: shown, or with a level changed (--admin)");
  auto arguments = std::make_shared<json>(json::object());
  auto process = std::make_shared<std::string>();
  command
      ->add_option_function<std::string>(
          "level", [arguments](const std::string& value) { (*arguments)["level"] = value; }, "From this on")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}));
  command->add_option_function<std::string>(
      "--component", [arguments](const std::string& value) { (*arguments)["component"] = value; },
      "Only of events that begin so: shard, room, node ...");
  command->add_option("--process", *process, "Only of the process of this name");
  add_dry_run(*command, arguments);
  command->footer("It holds until the process starts again.\n\n"
                  "Example:\n  starling console --admin log-level debug --component room --process a");
  command->callback([request, arguments, process] {
    request->report = [arguments, process](console_cluster& all) { return levels(all, *arguments, *process); };
  });
}

} // namespace starling::cli
