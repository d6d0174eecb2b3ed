#include "cli/console/commands.hpp"

#include <algorithm>
#include <cstdio>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "cli/commands.hpp"
#include "cli/console/interrupt.hpp"
#include "cli/console/table.hpp"

namespace starling::cli {

using nlohmann::json;

namespace {

/// Prints the report; again and again with --watch, each in the place of the one before it where somebody looks.
int repeat(console_cluster& all, const console_request& request) {
  constexpr const char* clear_screen = "\x1b[H\x1b[2J";
  const bool again = request.watch.count() > 0;
  const bool in_place = again && !request.as_json && ::isatty(STDOUT_FILENO) != 0;
  interrupt_guard ctrl_c;
  for (;;) {
    auto found = request.report(all);
    if (in_place) std::fputs(clear_screen, stdout);
    auto text = found.text;
    if (request.as_json) text = found.data.dump(again ? -1 : 2, ' ', false, json::error_handler_t::replace) + "\n";
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
    if (!again || ctrl_c.pause(request.watch)) return found.status;
  }
}

} // namespace

int run_console_request(console_cluster& all, const console_request& request) {
  return request.live ? request.live(all, request) : repeat(all, request);
}

void add_console_commands(CLI::App& console, const console_request_ptr& request) {
  console.add_flag("--json", request->as_json, "Print what was answered as JSON, an object a process");
  console
      .add_option_function<unsigned>(
          "--watch", [request](unsigned value) { request->watch = std::chrono::seconds(value); },
          "Show it again every so many seconds, until Ctrl-C")
      ->check(CLI::Range(1, 3'600));
  console.fallthrough();
  for (auto* add : {add_nodes, add_shards, add_actors, add_top,     add_inspect,   add_mailbox, add_stuck,
                    add_drops, add_slots,  add_where,  add_trace,   add_events,    add_flight,  add_check,
                    add_kick,  add_revoke, add_drain,  add_restart, add_log_level, add_send})
    add(console, request);
}

std::string cell(const json& object, const char* name) {
  auto i = object.find(name);
  if (i == object.end() || i->is_null()) return {};
  return i->is_string() ? i->get<std::string>() : i->dump();
}

json data_of(const std::vector<process_answer>& answers) {
  auto all = json::array();
  for (auto& one : answers) {
    json process{{"role", one.from.role},
                 {"name", one.from.name},
                 {"incarnation", one.from.incarnation},
                 {"inspect", one.from.inspect}};
    if (one.error.empty())
      process["result"] = one.result;
    else
      process["error"] = one.error;
    all.push_back(std::move(process));
  }
  return all;
}

int status_of(const std::vector<process_answer>& answers) {
  auto failed = [](const process_answer& one) { return !one.error.empty(); };
  return std::any_of(answers.begin(), answers.end(), failed) ? exit_failed : exit_ok;
}

void note_silent(table& all, const std::vector<process_answer>& answers) {
  for (auto& one : answers)
    if (!one.error.empty())
      all.add_note(paint(tone::bad, one.from.role + " " + one.from.name + " did not answer: " + one.error));
}

console_report report_of(table& all, const std::vector<process_answer>& answers) {
  note_silent(all, answers);
  return {all.text(), data_of(answers), status_of(answers)};
}

} // namespace starling::cli
