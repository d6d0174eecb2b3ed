#include <algorithm>
#include <cstdio>
#include <map>

#include <CLI/CLI.hpp>

#include "cli/commands.hpp"
#include "cli/console/commands.hpp"
#include "cli/console/interrupt.hpp"
#include "cli/console/moment.hpp"
#include "cli/console/table.hpp"

namespace starling::cli {
namespace {

using nlohmann::json;

tone tone_of(const std::string& level) {
  if (level == "error") return tone::bad;
  return level == "warn" ? tone::warn : tone::plain;
}

struct happened {
  std::string process;
  json event;
  std::int64_t at() const { return event.value("at", std::int64_t{0}); }
};

/// Of all processes, in the order in which they happened.
std::vector<happened> in_order(const std::vector<process_answer>& answers) {
  std::vector<happened> all;
  for (auto& [from, it, error] : answers) {
    if (!error.empty()) continue;
    for (auto& event : it["events"])
      all.push_back({from.name, event});
  }
  std::stable_sort(all.begin(), all.end(), [](const happened& a, const happened& b) { return a.at() < b.at(); });
  return all;
}

console_report events(console_cluster& cluster, const json& arguments) {
  table all({"at", "process", "number", "level", "event", "details"});
  auto answers = cluster.ask("events", arguments);
  for (auto& [process, event] : in_order(answers))
    all.add({moment_text(event.value("at", std::int64_t{0})),
             process,
             cell(event, "number"),
             {cell(event, "level"), tone_of(cell(event, "level"))},
             cell(event, "event"),
             cell(event, "details")});
  return report_of(all, answers);
}

std::string line_of(const happened& one, bool as_json) {
  if (as_json) {
    auto object = one.event;
    object["process"] = one.process;
    return object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  }
  auto level = cell(one.event, "level");
  return moment_text(one.at()) + "  " + one.process + "  " + paint(tone_of(level), level) + "  " +
         cell(one.event, "event") + " " + cell(one.event, "details") + "\n";
}

/// Follows the events of all processes; each goes on from its own number.
class follower {
public:
  follower(console_cluster& cluster, json arguments, bool as_json)
      : cluster_(cluster), arguments_(std::move(arguments)), as_json_(as_json) {}

  void look() {
    console_cluster::own_arguments own;
    for (auto& [name, number] : next_)
      own[name] = arguments_behind(number);
    auto answers = cluster_.ask("events", arguments_, {}, {}, own);
    for (auto& one : answers) {
      note_silence(one);
      if (!one.error.empty()) continue;
      const auto newest = one.result.value("newest", std::uint64_t{0});
      auto& next = next_[one.from.name];
      next = newest < next ? 0 : newest; // one that was started anew counts anew
    }
    for (auto& one : in_order(answers))
      std::fputs(line_of(one, as_json_).c_str(), stdout);
    std::fflush(stdout);
  }

private:
  json arguments_behind(std::uint64_t number) const {
    auto result = arguments_;
    result["after"] = number;
    result.erase("since");
    result["limit"] = 1'000;
    return result;
  }

  /// Once, when it falls silent, and once when it speaks again.
  void note_silence(const process_answer& one) {
    auto& was = silent_[one.from.name];
    if (was == !one.error.empty()) return;
    was = !was;
    if (was)
      std::fprintf(stderr, "%s does not answer: %s\n", one.from.name.c_str(), one.error.c_str());
    else
      std::fprintf(stderr, "%s answers again\n", one.from.name.c_str());
  }

  console_cluster& cluster_;
  json arguments_;
  bool as_json_;
  std::map<std::string, std::uint64_t> next_;
  std::map<std::string, bool> silent_;
};

int follow(console_cluster& cluster, const json& arguments, bool as_json) {
  constexpr std::chrono::milliseconds pause{500};
  interrupt_guard ctrl_c;
  follower all(cluster, arguments, as_json);
  do
    all.look();
  while (!ctrl_c.pause(pause));
  return exit_ok;
}

} // namespace

void add_events(CLI::App& console, const console_request_ptr& request) {
  auto* command = console.add_subcommand("events", "What all processes have logged lately, in one order");
  auto arguments = std::make_shared<json>(json::object());
  auto follows = std::make_shared<bool>(false);
  command
      ->add_option_function<std::uint64_t>(
          "--after", [arguments](std::uint64_t value) { (*arguments)["after"] = value; },
          "Of each process those behind this number, the oldest first; else the last")
      ->type_name("NUMBER");
  command
      ->add_option_function<std::string>(
          "--since",
          [arguments](const std::string& text) {
            auto moment = parse_moment(text);
            if (!moment || *moment < 0)
              throw CLI::ValidationError("--since", "expected 10m, or 2026-01-31T12:00:00Z, found " + text);
            (*arguments)["since"] = static_cast<std::uint64_t>(*moment);
          },
          "Not before that: so long ago, or a moment")
      ->type_name("DURATION|TIME");
  command
      ->add_option_function<std::string>(
          "--level", [arguments](const std::string& value) { (*arguments)["level"] = value; }, "This or a worse one")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}));
  command->add_option_function<std::string>(
      "--name", [arguments](const std::string& value) { (*arguments)["name"] = value; },
      "Only this, or those that begin so: 'shard.*'");
  command
      ->add_option_function<unsigned>(
          "--limit", [arguments](unsigned value) { (*arguments)["limit"] = value; }, "At most so many of each process")
      ->check(CLI::Range(1, 1000));
  command->add_flag("--follow", *follows, "Go on with what comes, until Ctrl-C; with --json an object a line");
  command->footer("Example:\n  starling console events --since 10m --level warn --follow");
  command->callback([request, arguments, follows] {
    if (*follows)
      request->live = [arguments](console_cluster& all, const console_request& how) {
        return follow(all, *arguments, how.as_json);
      };
    else
      request->report = [arguments](console_cluster& all) { return events(all, *arguments); };
  });
}

} // namespace starling::cli
