#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/console/commands.hpp"
#include "cli/console/slot_diff.hpp"
#include "cli/console/table.hpp"

namespace starling::cli {
namespace {

using nlohmann::json;

/// Nodes with the same table, and one's answer.
struct shared_table {
  json answer;
  std::vector<std::string> nodes;
};

std::vector<shared_table> tables_of(const std::vector<process_answer>& answers) {
  std::vector<shared_table> result;
  for (auto& one : answers) {
    if (!one.error.empty()) continue;
    auto same = std::find_if(result.begin(), result.end(),
                             [&](auto& table) { return table.answer["digest"] == one.result["digest"]; });
    if (same == result.end()) {
      result.push_back({one.result, {}});
      same = std::prev(result.end());
    }
    same->nodes.push_back(one.from.name);
  }
  return result;
}

std::string joined(const std::vector<std::string>& words) {
  std::string result;
  for (auto& word : words)
    result += (result.empty() ? "" : ", ") + word;
  return result;
}

std::string describe(const json& answer) {
  return fmt::format("epoch {}, digest {}", cell(answer, "epoch"), cell(answer, "digest"));
}

/// The shards of one table, and how evenly they hold its slots.
std::string text_of(const shared_table& which) {
  table all({"shard", "address", "weight", "slots", "fair share", "of fair"});
  double worst = 0;
  for (auto& shard : which.answer["shards"]) {
    auto share = shard.value("slots", 0.0) / std::max(shard.value("fair", 0.0), 1e-9);
    worst = std::max(worst, share);
    all.add({cell(shard, "name"), cell(shard, "address"), cell(shard, "weight"), cell(shard, "slots"),
             fmt::format("{:.1f}", shard.value("fair", 0.0)), fmt::format("{:.3f}", share)});
  }
  return fmt::format("{}: on {}\n{}  balance: the fullest shard holds {:.4f} of its fair share\n",
                     describe(which.answer), joined(which.nodes), all.text(), worst);
}

std::string text_of(const slot_diff& diff, const std::string& a, const std::string& b) {
  if (diff.slots == 0) return fmt::format("{} and {}: the same shard for every slot\n", a, b);
  constexpr std::size_t ranges_shown = 20;
  auto result = fmt::format("{} > {}: {} slots on another shard, in {} ranges\n", a, b, diff.slots, diff.ranges.size());
  table moves({"from", "to", "slots"});
  for (auto& [way, count] : diff.moves)
    moves.add({way.first, way.second, std::to_string(count)});
  table ranges({"slots", "from", "to"});
  for (std::size_t i = 0; i < std::min(ranges_shown, diff.ranges.size()); ++i) {
    auto& each = diff.ranges[i];
    ranges.add({each.first == each.last ? std::to_string(each.first) : fmt::format("{}-{}", each.first, each.last),
                each.from, each.to});
  }
  if (diff.ranges.size() > ranges_shown)
    ranges.add_note(fmt::format("and {} more: see --json", diff.ranges.size() - ranges_shown));
  return result + moves.text() + "\n" + ranges.text();
}

json diff_data(const slot_diff& diff, const std::string& a, const std::string& b) {
  json result{{"a", a}, {"b", b}, {"slots", diff.slots}, {"moves", json::array()}, {"ranges", json::array()}};
  for (auto& [way, count] : diff.moves)
    result["moves"].push_back({{"from", way.first}, {"to", way.second}, {"slots", count}});
  for (auto& each : diff.ranges)
    result["ranges"].push_back({{"first", each.first}, {"last", each.last}, {"from", each.from}, {"to", each.to}});
  return result;
}

console_report slots(console_cluster& cluster) {
  auto answers = cluster.ask("slots", json::object(), "node");
  auto tables = tables_of(answers);
  std::string text;
  for (auto& each : tables)
    text += text_of(each) + "\n";
  if (tables.size() > 1) {
    text += paint(tone::bad, "! the nodes do not have the same table") + "\n";
    for (std::size_t i = 1; i < tables.size(); ++i) {
      auto diff = compare_slots(tables[0].answer, tables[i].answer);
      if (auto* found = std::get_if<slot_diff>(&diff))
        text += text_of(*found, tables[0].nodes.front(), tables[i].nodes.front());
    }
  }
  for (auto& one : answers)
    if (!one.error.empty()) text += paint(tone::bad, "node " + one.from.name + " did not answer: " + one.error) + "\n";
  return {text, data_of(answers), status_of(answers)};
}

/// An answer to "slots", or why there is none.
struct found_slots {
  json answer;
  std::string error;
};

/// The table of a node by its name, or of an epoch from whichever node still has it.
found_slots find_slots(console_cluster& cluster, const std::string& which) {
  auto answers = cluster.ask("slots", json::object(), "node");
  for (auto& one : answers)
    if (one.from.name == which) return {one.result, one.error};
  if (which.empty() || which.find_first_not_of("0123456789") != std::string::npos || which.size() > 18)
    return {nullptr, "there is no such node, and it is no epoch"};
  std::string why = "no node has answered";
  answers = cluster.ask("slots", {{"epoch", std::stoull(which)}}, "node");
  for (auto& one : answers) {
    if (one.error.empty()) return {one.result, {}};
    why = one.error;
  }
  return {nullptr, why};
}

console_report diff(console_cluster& cluster, const std::vector<std::string>& which) {
  std::vector<json> sides;
  for (auto& one : which) {
    auto found = find_slots(cluster, one);
    if (!found.error.empty()) {
      auto why = one + ": " + found.error;
      return {paint(tone::bad, why) + "\n", {{"error", why}}, exit_failed};
    }
    sides.push_back(std::move(found.answer));
  }
  auto result = compare_slots(sides[0], sides[1]);
  if (auto* why = std::get_if<std::string>(&result)) return {*why + "\n", {{"error", *why}}, exit_failed};
  auto& found = std::get<slot_diff>(result);
  auto name = [&](std::size_t i) { return which[i] + " (" + describe(sides[i]) + ")"; };
  return {text_of(found, name(0), name(1)), diff_data(found, which[0], which[1]), exit_ok};
}

} // namespace

void add_slots(CLI::App& console, const console_request_ptr& request) {
  auto* command = console.add_subcommand("slots", "Which shard holds how many slots, and where the nodes differ");
  auto which = std::make_shared<std::vector<std::string>>();
  command->add_option("--diff", *which, "Two nodes, or two epochs: which slots are elsewhere")
      ->expected(2)
      ->type_name("A B");
  command->footer("Example:\n  slots --diff 3 4");
  command->callback([request, which] {
    request->report = [which](console_cluster& all) { return which->empty() ? slots(all) : diff(all, *which); };
  });
}

} // namespace starling::cli
