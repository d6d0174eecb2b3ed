#include <CLI/CLI.hpp>

#include "cli/console/commands.hpp"
#include "cli/console/table.hpp"

namespace starling::cli {
namespace {

using nlohmann::json;

std::uint64_t sum(const json& numbers) {
  std::uint64_t result = 0;
  for (auto& number : numbers)
    result += number.get<std::uint64_t>();
  return result;
}

/// Whatever of `numbers` is not 0, a line each.
void add_rows(table& to, const std::string& node, const char* what, const json& numbers) {
  for (auto& [reason, number] : numbers.items())
    if (number != 0) to.add({node, what, reason, number.dump()});
}

console_report drops(console_cluster& cluster) {
  table frames({"node", "accepted", "delivered", "waiting", "dropped", "difference"});
  table reasons({"node", "what", "reason", "number"});
  auto answers = cluster.ask("drops", json::object(), "node");
  bool off = false;
  for (auto& [from, it, error] : answers) {
    if (!error.empty()) continue;
    auto& each = it["frames"];
    auto dropped = sum(each["dropped"]);
    const bool right = each["difference"] == 0;
    off |= !right;
    frames.add({from.name,
                cell(each, "accepted"),
                cell(each, "delivered"),
                cell(each, "waiting"),
                {std::to_string(dropped), dropped > 0 ? tone::warn : tone::plain},
                {cell(each, "difference") + (right ? "" : " *"), right ? tone::good : tone::bad}});
    add_rows(reasons, from.name, "frames dropped", each["dropped"]);
    add_rows(reasons, from.name, "requests", {{"refused before a session", it["requests_refused"]}});
    add_rows(reasons, from.name, "connections refused", it["connections_refused"]);
    add_rows(reasons, from.name, "sessions refused", it["sessions_refused"]);
    add_rows(reasons, from.name, "rooms", it["rooms"]);
    for (auto& [shard, numbers] : it["redis"].items())
      add_rows(reasons, from.name, ("calls to " + shard).c_str(), numbers);
  }
  frames.add_note("frames to clients: accepted = delivered + waiting + dropped");
  if (off)
    frames.add_note(paint(tone::bad, "* does not add up: frames were under way while it was counted, or, if it stays, "
                                     "some are not accounted for"));
  auto report = report_of(frames, answers);
  if (!reasons.empty()) report.text += "\n" + reasons.text();
  return report;
}

} // namespace

void add_drops(CLI::App& console, const console_request_ptr& request) {
  auto* command =
      console.add_subcommand("drops", "What was dropped or refused, and whether all frames are accounted for");
  command->footer("Example:\n  drops --watch 2");
  command->callback([request] { request->report = drops; });
}

} // namespace starling::cli
