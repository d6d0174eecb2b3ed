#pragma once

#include <string>

#include "cli/console/commands.hpp"
#include "cli/console/table.hpp"

/// What the commands that change something have in common.
namespace starling::cli {

/// Adds --dry-run, which puts `"dry_run": true` into the arguments.
void add_dry_run(CLI::App& command, const std::shared_ptr<nlohmann::json>& arguments);

/// Asks the processes of this name, or with an empty one all of the role.
std::vector<process_answer> ask_named(console_cluster& cluster, const std::string& name, std::string_view role,
                                      const std::string& command, const nlohmann::json& arguments);

/// The table of what has changed, with those who refused under it. Nobody asked is an error: there is no such process.
console_report report_change(table& all, const std::vector<process_answer>& answers, const nlohmann::json& arguments,
                             const std::string& name);

} // namespace starling::cli
