#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/console/actor_table.hpp"
#include "cli/console/commands.hpp"

/// `inspect` and `mailbox`: all about a few actors, for which they are asked themselves.
namespace starling::cli {
namespace {

using nlohmann::json;

/// "b/117", "117", "room:lobby", "router"
struct target {
  std::string process; // empty: all
  json arguments;
};

bool is_number(const std::string& text) {
  return !text.empty() && text.size() <= 19 && text.find_first_not_of("0123456789") == std::string::npos;
}

target read_target(const std::string& text) {
  auto slash = text.find('/');
  if (is_number(text)) return {{}, {{"id", std::stoull(text)}}};
  if (slash != std::string::npos && is_number(text.substr(slash + 1)))
    return {text.substr(0, slash), {{"id", std::stoull(text.substr(slash + 1))}}};
  auto colon = text.find(':');
  if (colon == std::string::npos) return {{}, {{"kind", text}}};
  return {{}, {{"kind", text.substr(0, colon)}, {"name", text.substr(colon + 1)}}};
}

struct found_actors {
  std::vector<process_answer> answers;
  std::vector<listed_actor> actors;
};

found_actors find(console_cluster& cluster, const target& what) {
  found_actors result{cluster.ask("peek", what.arguments), {}};
  if (!what.process.empty())
    std::erase_if(result.answers, [&](const process_answer& one) { return one.from.name != what.process; });
  for (auto& [from, it, error] : result.answers)
    if (error.empty())
      for (auto& row : it["actors"])
        result.actors.push_back({from.name, row});
  return result;
}

std::string heading(const listed_actor& it) {
  return paint(tone::bold, fmt::format("{}/{}  {} {}", it.process, cell(it.row, "id"), cell(it.row, "kind"),
                                       cell(it.row, "name"))) +
         "\n";
}

std::string busy_line(const json& row) {
  return row.contains("busy") && row["busy"].is_string()
             ? "  " + paint(tone::bad, "busy: " + row["busy"].get<std::string>()) + "\n"
             : std::string();
}

/// Of the histogram, the bound under which so many of all are.
std::string percentile(const json& durations, double part) {
  std::uint64_t all = 0, sum = 0;
  for (auto& one : durations)
    all += one["count"].get<std::uint64_t>();
  for (auto& one : durations) {
    sum += one["count"].get<std::uint64_t>();
    if (static_cast<double>(sum) >= part * static_cast<double>(all))
      return fmt::format("{:.0f} us", one["up_to_us"].get<double>());
  }
  return "-";
}

std::string figures(const json& row) {
  auto text =
      fmt::format("  parent {}  received {}  handled {}  waiting {}  oldest {}  busy {:.1f} ms  longest {:.1f} ms\n",
                  cell(row, "parent"), cell(row, "received"), cell(row, "handled"), cell(row, "waiting"),
                  duration_text(row.value("oldest_ms", 0.0)), row.value("busy_ms", 0.0), row.value("longest_ms", 0.0));
  if (row.contains("durations"))
    text += fmt::format("  handlers: p50 up to {}, p99 up to {}\n", percentile(row["durations"], 0.5),
                        percentile(row["durations"], 0.99));
  if (row.value("errors", 0u) > 0)
    text += fmt::format("  errors {}, the last {}: {}\n", cell(row, "errors"),
                        duration_text(row.value("last_error_ago_ms", 0.0)) + " ago", cell(row, "last_error"));
  if (row.value("restarts", 0u) > 0)
    text += fmt::format("  failed before: {} times, the last: {}\n", cell(row, "restarts"), cell(row, "last_failure"));
  return text;
}

std::string indented(const std::string& text) {
  std::string result = "  ";
  for (char c : text) {
    result += c;
    if (c == '\n') result += "  ";
  }
  return result + "\n";
}

std::string inside(const json& row) {
  std::string text;
  if (row.value("children_count", 0u) > 0) {
    text += fmt::format("  children ({}):", cell(row, "children_count"));
    for (auto& child : row["children"])
      text += fmt::format(" {}:{}/{}", cell(child, "kind"), cell(child, "name"), cell(child, "id"));
    text += "\n";
  }
  if (row.contains("state")) text += indented(row["state"].dump(2, ' ', false, json::error_handler_t::replace));
  if (row.contains("recent")) {
    table recent({"  last handled", "ago", "took us"});
    for (auto& one : row["recent"])
      recent.add({"  " + cell(one, "message"), duration_text(one.value("ago_ms", 0.0)), cell(one, "took_us")});
    text += recent.text();
  }
  return text;
}

std::string mailbox_text(const json& row) {
  if (!row.contains("mailbox")) return {};
  if (row["mailbox"].empty()) return "  nothing waits\n";
  table all({"  waits", "for"});
  for (auto& one : row["mailbox"])
    all.add({"  " + cell(one, "message"), one.contains("age_ms") ? duration_text(one["age_ms"].get<double>()) : "?"});
  if (row.value("mailbox_beyond", 0u) > 0) all.add_note("and " + cell(row, "mailbox_beyond") + " more");
  return all.text();
}

console_report show(console_cluster& cluster, const std::string& which, bool only_mailbox) {
  auto found = find(cluster, read_target(which));
  console_report result{{}, data_of(found.answers), status_of(found.answers)};
  for (auto& one : found.actors) {
    result.text += heading(one) + busy_line(one.row);
    result.text += only_mailbox ? mailbox_text(one.row) : figures(one.row) + inside(one.row) + mailbox_text(one.row);
  }
  table silent({""});
  note_silent(silent, found.answers);
  result.text += silent.text().substr(1); // without the empty header
  if (!found.actors.empty()) return result;
  result.text += "no such actor: " + which + " (see: actors)\n";
  result.status = exit_failed;
  return result;
}

void add(CLI::App& console, const console_request_ptr& request, bool only_mailbox) {
  auto* command =
      console.add_subcommand(only_mailbox ? "mailbox" : "inspect",
                             only_mailbox ? "What waits for an actor: messages and their ages"
                                          : "All about an actor: its state, its last messages, its mailbox");
  auto which = std::make_shared<std::string>();
  command->add_option("actor", *which, "process/id, id, kind:name or kind; up to 16 of a process")->required();
  command->footer(only_mailbox ? "Example:\n  mailbox room:lobby" : "Examples:\n  inspect room:lobby\n  inspect b/117");
  command->callback([=] { request->report = [=](console_cluster& all) { return show(all, *which, only_mailbox); }; });
}

} // namespace

void add_inspect(CLI::App& console, const console_request_ptr& request) { add(console, request, false); }
void add_mailbox(CLI::App& console, const console_request_ptr& request) { add(console, request, true); }

} // namespace starling::cli
