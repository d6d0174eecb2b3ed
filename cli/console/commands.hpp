#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/console/cluster.hpp"

namespace CLI {
class App;
}

/// The commands of the console. Each is one file of this folder, which adds it with its options; when it is typed, it
/// puts what is to be done into the request.
namespace starling::cli {

/// What a command has found: for people, and for programs.
struct console_report {
  std::string text; // lines, with colours as `paint` gives them
  nlohmann::json data;
  int status = 0; // the exit code
};

/// What is typed at a console, in a shell of the system or in its own.
struct console_request {
  /// Asks and reports: at once, or again and again with --watch.
  std::function<console_report(console_cluster&)> report;
  /// In place of `report`: has the terminal until it ends; returns the exit code.
  std::function<int(console_cluster&, const console_request&)> live;
  /// The exit code when nothing could be asked at all, also for wrong usage; nothing: as of all commands.
  std::optional<int> status_unknown;
  bool as_json = false;
  std::chrono::seconds watch{0}; // 0: once
};
using console_request_ptr = std::shared_ptr<console_request>;

/// Adds all commands, and the options that all have.
void add_console_commands(CLI::App& console, const console_request_ptr& request);

void add_nodes(CLI::App& console, const console_request_ptr& request);
void add_actors(CLI::App& console, const console_request_ptr& request);
void add_top(CLI::App& console, const console_request_ptr& request);
void add_inspect(CLI::App& console, const console_request_ptr& request);
void add_mailbox(CLI::App& console, const console_request_ptr& request);
void add_stuck(CLI::App& console, const console_request_ptr& request);
void add_drops(CLI::App& console, const console_request_ptr& request);
void add_shards(CLI::App& console, const console_request_ptr& request);
void add_slots(CLI::App& console, const console_request_ptr& request);
void add_where(CLI::App& console, const console_request_ptr& request);
void add_events(CLI::App& console, const console_request_ptr& request);
void add_trace(CLI::App& console, const console_request_ptr& request);
void add_flight(CLI::App& console, const console_request_ptr& request);
void add_check(CLI::App& console, const console_request_ptr& request);
void add_kick(CLI::App& console, const console_request_ptr& request);
void add_revoke(CLI::App& console, const console_request_ptr& request);
void add_drain(CLI::App& console, const console_request_ptr& request);
void add_restart(CLI::App& console, const console_request_ptr& request);
void add_log_level(CLI::App& console, const console_request_ptr& request);
void add_send(CLI::App& console, const console_request_ptr& request);

/// Does what was typed, and prints it. Returns the exit code.
int run_console_request(console_cluster& all, const console_request& request);

// -- for the commands -----------------------------------------------------------------------------------------------

/// A member as text; empty if it is not there, as of a process that cannot know it.
std::string cell(const nlohmann::json& object, const char* name);

/// The answers as they came, for programs: an array with an object a process, `{role, name, incarnation, result}` or
/// `{role, name, incarnation, error}`.
nlohmann::json data_of(const std::vector<process_answer>& answers);

/// 1 if a process did not answer, else 0.
int status_of(const std::vector<process_answer>& answers);

class table;
/// Those who did not answer, under the table.
void note_silent(table& all, const std::vector<process_answer>& answers);

/// What most commands come to: the answers, and the table that they make.
console_report report_of(table& all, const std::vector<process_answer>& answers);

} // namespace starling::cli
