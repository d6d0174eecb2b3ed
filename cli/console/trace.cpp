#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/console/commands.hpp"
#include "cli/console/interrupt.hpp"
#include "cli/console/table.hpp"
#include "cli/console/trace_timeline.hpp"
#include "cli/options.hpp"

namespace starling::cli {
namespace {

using nlohmann::json;
using std::chrono::milliseconds, std::chrono::seconds, std::chrono::steady_clock;

constexpr milliseconds poll{100};
/// From the first look at which all is complete: for a node that is to hear of it yet.
constexpr milliseconds settle{300};
/// After the time for choosing: for what was chosen last.
constexpr seconds last_way{1};

struct trace_request {
  std::string kind, id;
  unsigned count = 1;
  unsigned seconds = 10;
};

std::chrono::nanoseconds unix_now() { return std::chrono::system_clock::now().time_since_epoch(); }

std::string target_of(const trace_request& what) {
  if (what.kind == "room") return "in room " + what.id;
  return what.kind == "user" ? "from " + what.id : "with the key " + what.id;
}

/// Ends the trace on all nodes, however the console leaves it.
struct ended_at_last {
  console_cluster& all;
  ~ended_at_last() { all.ask("trace_end", json::object(), "node"); }
};

void read(console_cluster& all, trace_timeline& found) {
  auto asked = unix_now();
  auto answers = all.ask("trace_read", json::object(), "node");
  auto answered = unix_now();
  for (auto& [from, it, error] : answers)
    if (error.empty()) found.add(from.name, it, asked, answered);
}

/// Reads until enough messages are complete, or the time is over.
void follow(console_cluster& all, const trace_request& what, trace_timeline& found) {
  interrupt_guard ctrl_c;
  const auto choose_until = steady_clock::now() + seconds(what.seconds);
  std::optional<steady_clock::time_point> enough_since;
  while (!ctrl_c.pause(poll)) {
    read(all, found);
    auto now = steady_clock::now();
    if (found.complete() >= what.count && !enough_since) enough_since = now;
    if (enough_since && now - *enough_since >= settle) return;
    bool under_way = found.begun() > found.complete();
    if (now >= choose_until + (under_way || enough_since ? last_way : seconds(0))) return;
  }
  read(all, found);
}

std::string microseconds(const json& object, const char* name) {
  return fmt::format("{:.1f}", object.value(name, 0.0));
}

std::string text_of(const json& message) {
  auto title = fmt::format("room {}, epoch {} seq {}, from {}: {} us", cell(message, "room"), cell(message, "epoch"),
                           cell(message, "seq"), cell(message, "from"), microseconds(message, "total_us"));
  table all({"at us", "step us", "node", "hop", "detail"});
  for (auto& hop : message["hops"])
    all.add({microseconds(hop, "at_us"),
             microseconds(hop, "step_us"),
             cell(hop, "node"),
             {cell(hop, "hop"), hop["hop"] == "refused" ? tone::bad : tone::plain},
             cell(hop, "detail")});
  for (auto& clock : message["clocks"])
    all.add_note(fmt::format("the clock of {} is off by {} us (exact to {} us): its times are corrected",
                             cell(clock, "node"), microseconds(clock, "ahead_us"), microseconds(clock, "exact_to_us")));
  if (!message["complete"].get<bool>()) all.add_note(paint(tone::warn, "not all of its way was seen"));
  return paint(tone::bold, title) + "\n" + all.text();
}

/// Says who cannot take part; false if that is everybody.
bool some_take_part(const std::vector<process_answer>& answers) {
  for (auto& one : answers)
    if (!one.error.empty())
      std::fprintf(stderr, "%s does not take part: %s\n", one.from.name.c_str(), one.error.c_str());
  auto takes_part = [](const process_answer& one) { return one.error.empty(); };
  return std::any_of(answers.begin(), answers.end(), takes_part);
}

int trace(console_cluster& all, const console_request& request, const trace_request& what) {
  trace_timeline found;
  int status = exit_ok;
  {
    auto begun = all.ask("trace_begin",
                         {{"what", what.kind},
                          {"id", what.id},
                          {"count", what.count},
                          {"seconds", what.seconds},
                          {"by", all.operator_name()}},
                         "node");
    ended_at_last guard{all};
    if (!some_take_part(begun)) return fail("no node can trace");
    status = status_of(begun);
    all.ask("trace_start", json::object(), "node");
    follow(all, what, found);
  }
  auto messages = found.messages(what.count);
  if (request.as_json) {
    std::puts(messages.dump(2, ' ', false, json::error_handler_t::replace).c_str());
  } else {
    for (auto& one : messages)
      std::puts(text_of(one).c_str());
  }
  std::fflush(stdout);
  if (messages.empty())
    return fail(fmt::format("nothing was seen: no message {} within {} s", target_of(what), what.seconds));
  return status;
}

constexpr const char* footer =
    "Shows what each message passes and when, across nodes: received, session, room, router, script sent, answered "
    "and\n"
    "acknowledged on the node of the sender; publication in, encoded and written on each node with a member.\n"
    "\n"
    "Examples:\n"
    "  trace room lobby                  the next message in the room\n"
    "  trace user ann --count 5          the next five that ann sends\n"
    "  trace message k1 --seconds 60     the one with this idempotency key, if it comes within a minute\n"
    "\n"
    "It ends when all is seen, when the time is over, or on Ctrl-C. The exit code is 1 if nothing was seen.";

} // namespace

void add_trace(CLI::App& console, const console_request_ptr& request) {
  auto* command = console.add_subcommand("trace", "Follow messages hop by hop, live");
  auto what = std::make_shared<trace_request>();
  command->add_option("kind", what->kind, "room, user (who sends) or message")
      ->required()
      ->check(CLI::IsMember({"room", "user", "message"}));
  command->add_option("id", what->id, "Its name; of a message its key")->required();
  command->add_option("--count", what->count, "So many messages")->check(CLI::Range(1, 100))->capture_default_str();
  command->add_option("--seconds", what->seconds, "At most so long")->check(CLI::Range(1, 60))->capture_default_str();
  command->footer(footer);
  command->callback([request, what] {
    request->live = [what](console_cluster& all, const console_request& typed) { return trace(all, typed, *what); };
  });
}

} // namespace starling::cli
