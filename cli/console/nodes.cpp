#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/console/commands.hpp"
#include "cli/console/disagreements.hpp"
#include "cli/console/table.hpp"

namespace starling::cli {
namespace {

using nlohmann::json;

std::string number(const json& object, const char* name, double unit = 1, int digits = 1) {
  auto i = object.find(name);
  if (i == object.end() || !i->is_number()) return {};
  return fmt::format("{:.{}f}", i->get<double>() / unit, digits);
}

/// "3d 4h", "5m 6s": the two largest units.
std::string duration_of(const json& object, const char* name) {
  auto i = object.find(name);
  if (i == object.end() || !i->is_number()) return {};
  auto s = i->get<std::uint64_t>();
  if (s >= 86'400) return fmt::format("{}d {}h", s / 86'400, s / 3'600 % 24);
  if (s >= 3'600) return fmt::format("{}h {}m", s / 3'600, s / 60 % 60);
  return s >= 60 ? fmt::format("{}m {}s", s / 60, s % 60) : fmt::format("{}s", s);
}

/// The master's view of each node, by name; an empty object without a master.
json seen_by_master(const std::vector<process_answer>& answers) {
  auto result = json::object();
  for (auto& one : answers) {
    if (one.from.role != "master" || !one.error.empty()) continue;
    auto nodes = one.result.value("nodes", json::array());
    for (auto& node : nodes)
      result[node.value("name", "")] = node;
  }
  return result;
}

table_cell state_of(const process_answer& one, const json& seen) {
  auto standing = cell(seen, "standing");
  if (!one.error.empty()) return {standing.empty() ? "silent" : standing == "alive" ? "silent" : standing, tone::bad};
  if (one.from.role == "master") return {"master", tone::good};
  auto state = cell(one.result, "state");
  if (standing == "suspected") return {standing, tone::bad};
  if (!one.result.value("ready", false) && state == "joined") return {"not ready", tone::warn};
  return {state, state == "joined" ? tone::good : tone::warn};
}

std::vector<table_cell> row_of(const process_answer& one, const json& seen, bool disagrees, bool all) {
  auto& it = one.result;
  std::vector<table_cell> row{{one.from.name + (disagrees ? " !" : ""), disagrees ? tone::bad : tone::plain},
                              state_of(one, seen),
                              cell(seen, "heard_ms"),
                              cell(it, "epoch"),
                              cell(it, "digest").substr(0, all ? 16 : 8),
                              cell(it, "sessions"),
                              cell(it, "rooms"),
                              number(it, "loop_lag_max_ms"),
                              number(it, "memory_bytes", 1024.0 * 1024, 0),
                              duration_of(it, "uptime_s"),
                              cell(it, "version"),
                              it.is_object() && it.contains("url") ? cell(it, "url") : cell(seen, "url")};
  if (!all) return row;
  for (auto& more : {one.error.empty() && it.contains("incarnation") ? cell(it, "incarnation")
                                                                     : std::to_string(one.from.incarnation),
                     cell(it, "restarts"), cell(it, "strangers"), cell(it, "actors"), cell(it, "messages_waiting"),
                     number(it, "loop_lag_ms"), number(it, "master_heard_ms", 1, 0), one.from.inspect})
    row.emplace_back(more);
  return row;
}

console_report nodes(console_cluster& cluster, bool all_columns) {
  std::vector<table_cell> header{"name",  "state",  "beat ms", "epoch", "digest",  "sessions",
                                 "rooms", "lag ms", "MiB",     "up",    "version", "address"};
  if (all_columns)
    for (const auto* more :
         {"incarnation", "restarts", "strangers", "actors", "waiting", "last lag ms", "master ms", "inspect"})
      header.emplace_back(more);
  table all(std::move(header));
  auto answers = cluster.ask("process");
  auto seen = seen_by_master(answers);
  auto wrong = find_disagreements(answers);
  auto disagrees = [&](const process_answer& one) {
    return std::any_of(wrong.begin(), wrong.end(), [&](auto& each) { return each.process == one.from.name; });
  };
  for (auto& one : answers)
    all.add(row_of(one, seen.value(one.from.name, json::object()), disagrees(one), all_columns));
  for (auto& each : wrong)
    all.add_note(paint(tone::bad, "! " + each.process + " " + each.what));
  auto report = report_of(all, answers);
  for (auto& process : report.data) {
    process["disagreements"] = json::array();
    for (auto& each : wrong)
      if (process["name"] == each.process) process["disagreements"].push_back(each.what);
  }
  return report;
}

} // namespace

void add_nodes(CLI::App& console, const console_request_ptr& request) {
  auto* command = console.add_subcommand("nodes", "All processes, a line each, and what they do not agree on");
  auto all = std::make_shared<bool>(false);
  command->add_flag("--all", *all, "All columns; without it the table fits a terminal");
  command->footer("Example:\n  nodes --all");
  command->callback([request, all] { request->report = [all](console_cluster& c) { return nodes(c, *all); }; });
}

} // namespace starling::cli
