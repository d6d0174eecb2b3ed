#include <thread>

#include <CLI/CLI.hpp>

#include "cli/console/actor_table.hpp"
#include "cli/console/commands.hpp"

namespace starling::cli {
namespace {

using nlohmann::json;

/// The answers; where they are per second, over this window at least.
std::vector<process_answer> ask(console_cluster& cluster, const json& arguments) {
  constexpr std::chrono::milliseconds window{500};
  const bool rates = arguments.value("rates", false);
  if (rates) {
    cluster.ask("actors", {{"rates", true}, {"limit", 0}});
    std::this_thread::sleep_for(window);
  }
  return cluster.ask("actors", arguments);
}

console_report actors(console_cluster& cluster, const json& arguments) {
  auto answers = ask(cluster, arguments);
  auto all = actor_table(merge_actors(answers, arguments.value("sort", "mailbox")), arguments.value("rates", false));
  for (auto& [from, it, error] : answers)
    if (error.empty() && it.value("more", false))
      all.add_note(from.name + " has " + cell(it, "matching") + " of these: see --limit and --after");
  return report_of(all, answers);
}

} // namespace

void add_actors(CLI::App& console, const console_request_ptr& request) {
  auto* command = console.add_subcommand("actors", "The actors of all processes, from their directories");
  command->footer("Example:\n  actors --kind room --sort age --limit 10");
  auto arguments = std::make_shared<json>(json::object());
  add_actor_filters(*command, arguments);
  auto number = [&](const char* name, const char* key, const char* help) {
    return command->add_option_function<unsigned>(
        name, [arguments, key](unsigned value) { (*arguments)[key] = value; }, help);
  };
  number("--limit", "limit", "At most so many of each process")->check(CLI::Range(1, 1000));
  number("--after", "after", "Behind so many of each process");
  command->add_flag_callback(
      "--rates", [arguments] { (*arguments)["rates"] = true; }, "Per second, over half of one");
  command->callback([request, arguments] {
    if (arguments->value("sort", "") == "rate") (*arguments)["rates"] = true;
    request->report = [arguments](console_cluster& all) { return actors(all, *arguments); };
  });
}

} // namespace starling::cli
