#include "cli/console/checks.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>

#include "cli/console/commands.hpp"

namespace starling::cli {
namespace {

using nlohmann::json;

/// Those who answered, of one role.
std::vector<const process_answer*> answered(const std::vector<process_answer>& all, std::string_view role = {}) {
  std::vector<const process_answer*> result;
  for (auto& one : all)
    if (one.error.empty() && (role.empty() || one.from.role == role)) result.push_back(&one);
  return result;
}

/// A master that is silent stops nobody who is there already.
findings silent_processes(const check_ground& ground) {
  findings result;
  for (auto& one : ground.processes)
    if (!one.error.empty())
      result.push_back({one.from.role == "master" ? severity::warning : severity::critical, one.from.name,
                        "does not answer: " + one.error, "nodes"});
  return result;
}

findings nobody_serves(const check_ground& ground) {
  auto nodes = answered(ground.processes, "node");
  auto is_ready = [](const process_answer* one) { return one->result.value("ready", false); };
  if (std::any_of(nodes.begin(), nodes.end(), is_ready)) return {};
  return {{severity::critical, {}, "no node is ready: nobody is served", "nodes"}};
}

findings nodes_not_ready(const check_ground& ground) {
  findings result;
  for (auto* node : answered(ground.processes, "node")) {
    if (node->result.value("ready", false)) continue;
    std::string missing;
    for (auto& one : node->result.value("missing", json::array()))
      missing += (missing.empty() ? "" : "; ") + one.get<std::string>();
    result.push_back({severity::warning, node->from.name, "is not ready: " + missing, "nodes"});
  }
  return result;
}

findings shards_away(const check_ground& ground) {
  findings result;
  for (auto* node : answered(ground.processes, "node")) {
    auto shards = node->result.value("shards", json::object());
    for (auto& [name, state] : shards.items())
      if (state != "up")
        result.push_back({severity::critical, node->from.name,
                          fmt::format("shard {} is {}", name, state.get<std::string>()), "events --name 'shard.*'"});
  }
  return result;
}

findings master_away(const check_ground& ground) {
  findings result;
  for (auto* node : answered(ground.processes, "node"))
    if (!node->result.value("master_reachable", true))
      result.push_back(
          {severity::warning, node->from.name, "does not reach the master", "events --name 'membership.*'"});
  return result;
}

/// Which tables there are, with one of the nodes that have it.
std::map<std::string, std::string> tables_of(const std::vector<process_answer>& processes) {
  std::map<std::string, std::string> result;
  for (auto* node : answered(processes, "node"))
    result.emplace("epoch " + cell(node->result, "epoch") + " digest " + cell(node->result, "digest"), node->from.name);
  return result;
}

/// A table that is on its way is not yet everywhere: that is looked at twice.
findings tables_differ(const check_ground& ground) {
  if (tables_of(ground.processes).size() < 2) return {};
  auto tables = tables_of(ground.look_again());
  if (tables.size() < 2) return {};
  std::string which;
  for (auto& [table, node] : tables)
    which += fmt::format("{}{} has {}", which.empty() ? "" : ", ", node, table);
  return {{severity::critical, {}, "nodes disagree about the slot table: " + which, "slots"}};
}

findings long_handlers(const check_ground& ground) {
  constexpr double longest_ms = 1'000;
  findings result;
  for (auto* process : answered(ground.busy)) {
    auto actors = process->result.value("actors", json::array());
    for (auto& actor : actors) {
      auto here = actor.find("handling_ms");
      if (here == actor.end() || !here->is_number() || here->get<double>() < longest_ms) continue;
      result.push_back({severity::warning, process->from.name,
                        fmt::format("{} {} has been in one handler for {} ms", cell(actor, "kind"), cell(actor, "name"),
                                    here->dump()),
                        "actors --sort handling"});
    }
  }
  return result;
}

findings mailboxes(const check_ground& ground) {
  constexpr std::uint64_t waiting_max = 1'000;
  findings result;
  for (auto* process : answered(ground.processes))
    if (auto waiting = process->result.value("messages_waiting", std::uint64_t{0}); waiting > waiting_max)
      result.push_back({severity::warning, process->from.name, fmt::format("{} messages wait in mailboxes", waiting),
                        "actors --sort mailbox"});
  return result;
}

/// How often each has happened, and what was said the last time.
struct tally {
  std::size_t count = 0;
  std::string details;
};
using event_filter = bool (*)(const json& event);

findings recent_events(const check_ground& ground, event_filter wanted, const std::string& see) {
  findings result;
  for (auto* process : answered(ground.events)) {
    std::map<std::string, tally> found;
    auto events = process->result.value("events", json::array());
    for (auto& event : events) {
      if (!wanted(event)) continue;
      auto& one = found[cell(event, "event")];
      ++one.count;
      one.details = cell(event, "details");
    }
    for (auto& [name, one] : found)
      result.push_back({severity::warning, process->from.name,
                        fmt::format("{} in the last {} minutes ({}): {}", name, recent.count(), one.count, one.details),
                        see});
  }
  return result;
}

findings errors(const check_ground& ground) {
  return recent_events(
      ground, [](const json& event) { return cell(event, "level") == "error"; }, "events --since 5m --level error");
}

findings restarts(const check_ground& ground) {
  return recent_events(
      ground, [](const json& event) { return cell(event, "event") == "actor.restarted"; },
      "events --since 5m --name actor.restarted");
}

/// Who is dead is not among the processes any more.
findings deaths(const check_ground& ground) {
  return recent_events(
      ground, [](const json& event) { return cell(event, "event") == "node.dead"; },
      "events --since 5m --name 'node.*'");
}

findings losses(const check_ground& ground) {
  return recent_events(
      ground, [](const json& event) { return cell(event, "event") == "room.gap"; },
      "events --since 5m --name room.gap");
}

} // namespace

const std::vector<check>& all_checks() {
  static const std::vector<check> all{silent_processes, nobody_serves, shards_away, tables_differ,
                                      nodes_not_ready,  master_away,   deaths,      restarts,
                                      long_handlers,    mailboxes,     errors,      losses};
  return all;
}

} // namespace starling::cli
