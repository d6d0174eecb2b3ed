#include "cli/console/actor_table.hpp"

#include <algorithm>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/console/commands.hpp"

namespace starling::cli {
namespace {

using nlohmann::json;

/// What each sorting goes by, in a row.
const std::map<std::string, const char*>& members() {
  static const std::map<std::string, const char*> all{{"mailbox", "waiting"},
                                                      {"age", "oldest_ms"},
                                                      {"busy", "busy"},
                                                      {"rate", "rate"},
                                                      {"errors", "errors"},
                                                      {"longest", "longest_ms"},
                                                      {"handling", "handling_ms"},
                                                      {"handled", "handled"},
                                                      {"started", "started"}};
  return all;
}

double value_of(const json& row, const std::string& sort) {
  if (sort == "busy" && !row.contains("busy")) return row.value("busy_ms", 0.0);
  return row.value(members().at(sort), 0.0);
}

tone tone_of_age(double ms) {
  if (ms >= 1'000) return tone::bad;
  return ms >= 100 ? tone::warn : tone::plain;
}

/// What it is doing now.
table_cell now_of(const json& row) {
  auto ms = row.value("handling_ms", 0.0);
  auto message = row.value("handling", "");
  if (message.empty()) return {""};
  if (ms < 1) return {message, tone::plain};
  return {fmt::format("{} for {}", message, duration_text(ms)), tone_of_age(ms)};
}

table_cell age_of(const json& row) {
  auto ms = row.value("oldest_ms", 0.0);
  return ms == 0 ? table_cell{""} : table_cell{duration_text(ms), tone_of_age(ms)};
}

std::string errors_of(const json& row) {
  auto count = row.value("errors", 0u);
  if (count == 0) return {};
  return fmt::format("{} ({})", count, row.value("last_error", ""));
}

} // namespace

std::string duration_text(double ms) {
  if (ms < 1'000) return fmt::format("{:.0f} ms", ms);
  return fmt::format("{:.1f} s", ms / 1'000);
}

const std::vector<std::string>& actor_sortings() {
  static const auto all = [] {
    std::vector<std::string> names;
    for (auto& [name, member] : members())
      names.push_back(name);
    return names;
  }();
  return all;
}

void add_actor_filters(CLI::App& command, const std::shared_ptr<json>& arguments) {
  auto text = [&](const char* name, const char* key, const char* help) {
    return command.add_option_function<std::string>(
        name, [arguments, key](const std::string& value) { (*arguments)[key] = value; }, help);
  };
  text("--kind", "kind", "Only these: session, room, router, shard, presence ...");
  text("--name", "name", "Only those of this name, or that begin so: 'ann*'");
  text("--sort", "sort", "The most first")->check(CLI::IsMember(actor_sortings()));
}

std::vector<listed_actor> merge_actors(const std::vector<process_answer>& answers, const std::string& sort) {
  std::vector<listed_actor> all;
  for (auto& [from, it, error] : answers) {
    if (!error.empty()) continue;
    for (auto& row : it["actors"])
      all.push_back({from.name, row});
  }
  std::stable_sort(all.begin(), all.end(), [&](const listed_actor& a, const listed_actor& b) {
    return value_of(a.row, sort) > value_of(b.row, sort);
  });
  return all;
}

table actor_table(const std::vector<listed_actor>& actors, bool rates) {
  table all({"process", "id", "kind", "name", "waiting", "oldest", rates ? "msg/s" : "handled",
             rates ? "busy %" : "busy ms", "longest ms", "errors", "now in"});
  for (auto& [process, row] : actors) {
    auto number = rates ? fmt::format("{:.1f}", row.value("rate", 0.0)) : cell(row, "handled");
    auto busy =
        rates ? fmt::format("{:.1f}", row.value("busy", 0.0) * 100) : fmt::format("{:.1f}", row.value("busy_ms", 0.0));
    auto waiting = row.value("waiting", std::uint64_t{0});
    all.add({process,
             cell(row, "id"),
             cell(row, "kind"),
             cell(row, "name"),
             {std::to_string(waiting), waiting >= 100 ? tone::warn : tone::plain},
             age_of(row),
             number,
             busy,
             fmt::format("{:.1f}", row.value("longest_ms", 0.0)),
             errors_of(row),
             now_of(row)});
  }
  return all;
}

} // namespace starling::cli
