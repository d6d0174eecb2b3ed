#include "cli/console/disagreements.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "cli/console/commands.hpp"

namespace starling::cli {
namespace {

using nlohmann::json;

/// What the others are held against: the master, or, while it is away, the node with the newest table.
const process_answer* standard_of(const std::vector<process_answer>& answers) {
  const process_answer* best = nullptr;
  for (auto& one : answers) {
    if (!one.error.empty() || !one.result.is_object()) continue;
    if (one.from.role == "master") return &one;
    if (!best || one.result.value("epoch", 0u) > best->result.value("epoch", 0u)) best = &one;
  }
  return best;
}

json seen_by(const process_answer& master, const std::string& name) {
  auto nodes = master.result.find("nodes");
  if (nodes == master.result.end()) return nullptr;
  for (auto& node : *nodes)
    if (node.value("name", "") == name) return node;
  return nullptr;
}

using found = std::vector<disagreement>;

void compare_tables(const process_answer& one, const process_answer& with, found& into) {
  auto epoch = cell(one.result, "epoch"), wanted = cell(with.result, "epoch");
  if (epoch != wanted)
    into.push_back({one.from.name, fmt::format("applies the slot table of epoch {}, {} that of epoch {}", epoch,
                                               with.from.name, wanted)});
  else if (cell(one.result, "digest") != cell(with.result, "digest"))
    into.push_back(
        {one.from.name, fmt::format("has another slot table of epoch {} than {}: digest {}, not {}", epoch,
                                    with.from.name, cell(one.result, "digest"), cell(with.result, "digest"))});
}

void compare_with_master(const process_answer& one, const process_answer& master, found& into) {
  auto seen = seen_by(master, one.from.name);
  if (seen.is_null()) {
    into.push_back({one.from.name, "is not known to the master"});
    return;
  }
  if (seen.value("standing", "") == "suspected")
    into.push_back({one.from.name, fmt::format("has sent the master no heartbeat for {} ms: it will be declared dead",
                                               cell(seen, "heard_ms"))});
  if (seen.value("standing", "") == "expected")
    into.push_back({one.from.name, "is in the master's state file, but has not come to it since the master started"});
  if (!one.error.empty()) {
    into.push_back({one.from.name, "is known to the master, but does not answer: " + one.error});
    return;
  }
  if (cell(one.result, "incarnation") != cell(seen, "incarnation"))
    into.push_back({one.from.name, fmt::format("says that its incarnation is {}, the master {}",
                                               cell(one.result, "incarnation"), cell(seen, "incarnation"))});
}

} // namespace

std::vector<disagreement> find_disagreements(const std::vector<process_answer>& answers) {
  found result;
  const auto* standard = standard_of(answers);
  if (!standard) return result;
  for (auto& one : answers) {
    if (&one == standard) continue;
    if (standard->from.role == "master") compare_with_master(one, *standard, result);
    if (!one.error.empty()) continue;
    compare_tables(one, *standard, result);
    if (cell(one.result, "version") != cell(standard->result, "version"))
      result.push_back({one.from.name, fmt::format("is version {}, {} is {}", cell(one.result, "version"),
                                                   standard->from.name, cell(standard->result, "version"))});
    if (one.result.value("state", "") == "alone")
      result.push_back({one.from.name, "has no connection to the master, and goes on by itself"});
  }
  return result;
}

} // namespace starling::cli
