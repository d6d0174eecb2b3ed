#include <CLI/CLI.hpp>

#include "cli/console/actor_table.hpp"
#include "cli/console/commands.hpp"

namespace starling::cli {
namespace {

using nlohmann::json;

console_report stuck(console_cluster& cluster, const json& arguments) {
  table all({"process", "what", "id", "kind", "name", "reason"});
  auto answers = cluster.ask("stuck", arguments);
  bool nothing = true;
  for (auto& [from, it, error] : answers) {
    if (!error.empty()) continue;
    for (auto& one : it["stuck"]) {
      nothing = false;
      all.add({from.name,
               {cell(one, "what"), tone::bad},
               cell(one, "id"),
               cell(one, "kind"),
               cell(one, "name"),
               cell(one, "reason")});
    }
  }
  if (nothing) all.add_note("nothing is stuck");
  return report_of(all, answers);
}

} // namespace

void add_stuck(CLI::App& console, const console_request_ptr& request) {
  auto* command =
      console.add_subcommand("stuck", "What does not go on, and why: handlers, mailboxes, requests, shards");
  command->footer("Example:\n  stuck --handler 50 --age 200");
  auto arguments = std::make_shared<json>(json::object());
  auto number = [&](const char* name, const char* key, const char* help) {
    command->add_option_function<unsigned>(
        name, [arguments, key](unsigned value) { (*arguments)[key] = value; }, help);
  };
  number("--handler", "handler_ms", "Handlers that run for more than so many ms (100)");
  number("--age", "age_ms", "Messages that wait for more than so many ms (1000)");
  number("--errors", "errors_ms", "Answers that were not there in time, in the last so many ms (60000)");
  command->callback(
      [request, arguments] { request->report = [arguments](console_cluster& all) { return stuck(all, *arguments); }; });
}

} // namespace starling::cli
