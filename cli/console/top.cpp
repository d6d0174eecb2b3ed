#include <algorithm>
#include <cstdio>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/commands.hpp"
#include "cli/console/actor_table.hpp"
#include "cli/console/commands.hpp"
#include "cli/console/interrupt.hpp"
#include "cli/console/screen.hpp"

namespace starling::cli {
namespace {

using nlohmann::json;

const std::vector<std::string> kinds{"",         "session", "room",       "shard",     "router",
                                     "presence", "node",    "membership", "inspector", "master"};

/// What is shown, as the keys set it.
struct top_view {
  json arguments = {{"rates", true}, {"limit", 200}, {"sort", "busy"}};
  std::chrono::seconds every{1};
  std::size_t first = 0; // row that is shown
  bool paused = false;

  std::string sort() const { return arguments.value("sort", "busy"); }

  template <class All>
  static std::string next(const All& all, const std::string& now) {
    auto i = std::find(all.begin(), all.end(), now);
    return i == all.end() || ++i == all.end() ? all.front() : *i;
  }
};

/// The processes in a line each.
std::string summary(const std::vector<process_answer>& answers) {
  table all({"process", "sessions", "rooms", "actors", "waiting", "restarts", "MiB", "epoch", "ready"});
  for (auto& [from, it, error] : answers) {
    if (!error.empty()) {
      all.add_note(paint(tone::bad, from.role + " " + from.name + " did not answer: " + error));
      continue;
    }
    auto ready = cell(it, "ready");
    all.add({from.name,
             cell(it, "sessions"),
             cell(it, "rooms"),
             cell(it, "actors"),
             cell(it, "messages_waiting"),
             cell(it, "restarts"),
             fmt::format("{:.0f}", it.value("memory_bytes", 0.0) / (1024 * 1024)),
             cell(it, "epoch"),
             {ready, ready == "false" ? tone::bad : tone::plain}});
  }
  return all.text();
}

std::string page(console_cluster& cluster, top_view& view) {
  auto processes = cluster.ask("process");
  auto answers = cluster.ask("actors", view.arguments);
  auto actors = merge_actors(answers, view.sort());
  view.first = std::min(view.first, actors.empty() ? 0 : actors.size() - 1);
  actors.erase(actors.begin(), actors.begin() + static_cast<std::ptrdiff_t>(view.first));
  auto kind = view.arguments.value("kind", "");
  auto head = fmt::format("starling top: by {}, {}{}every {} s{}", view.sort(), kind.empty() ? "" : kind + "s only, ",
                          view.first > 0 ? fmt::format("from row {}, ", view.first + 1) : "", view.every.count(),
                          view.paused ? ", paused" : "");
  return paint(tone::bold, head) + "\n" +
         paint(tone::faint, "q quit  s sort  m a b r e: by mailbox age busy rate errors  k kind  p pause  +/- pace  "
                            "arrows scroll") +
         "\n\n" + summary(processes) + "\n" + actor_table(actors, true).text();
}

/// False: it is to end.
bool press(int key, top_view& view) {
  auto sort = [&](const char* by) { view.arguments["sort"] = by; };
  switch (key) {
  case 'q':
  case screen::end_of_input:
    return false;
  case 's':
    view.arguments["sort"] = top_view::next(actor_sortings(), view.sort());
    break;
  case 'm':
    sort("mailbox");
    break;
  case 'a':
    sort("age");
    break;
  case 'b':
    sort("busy");
    break;
  case 'r':
    sort("rate");
    break;
  case 'e':
    sort("errors");
    break;
  case 'k':
    view.arguments["kind"] = top_view::next(kinds, view.arguments.value("kind", ""));
    break;
  case 'p':
    view.paused = !view.paused;
    break;
  case '+':
    view.every = std::max(view.every / 2, std::chrono::seconds(1));
    break;
  case '-':
    view.every = std::min(view.every * 2, std::chrono::seconds(60));
    break;
  case screen::up:
    view.first -= std::min<std::size_t>(view.first, 10);
    break;
  case screen::down:
    view.first += 10;
    break;
  default:
    break;
  }
  return true;
}

/// Handles keys until it is time for the next page. False: it is to end.
bool wait_with_keys(screen& terminal, top_view& view, const interrupt_guard& ctrl_c) {
  using namespace std::chrono;
  auto next = steady_clock::now() + view.every;
  while (steady_clock::now() < next || view.paused) {
    if (ctrl_c.interrupted()) return false;
    auto key = terminal.key(milliseconds(100));
    if (!key) continue;
    if (!press(*key, view)) return false;
    next = steady_clock::now(); // shown at once
    if (!view.paused) break;
  }
  return true;
}

int run_top(console_cluster& cluster, top_view view) {
  if (::isatty(STDOUT_FILENO) == 0 || ::isatty(STDIN_FILENO) == 0) {
    std::fputs("top wants a terminal; elsewhere: actors --rates --sort busy --watch 1\n", stderr);
    return exit_usage;
  }
  interrupt_guard ctrl_c;
  screen terminal;
  for (;;) {
    auto text = page(cluster, view);
    terminal.show(text);
    if (!wait_with_keys(terminal, view, ctrl_c)) return exit_ok;
  }
}

} // namespace

void add_top(CLI::App& console, const console_request_ptr& request) {
  auto* command = console.add_subcommand("top", "The busiest actors of all processes, live; driven by keys");
  command->footer("Example:\n  top --kind room --sort age");
  auto view = std::make_shared<top_view>();
  auto arguments = std::make_shared<json>(json::object());
  add_actor_filters(*command, arguments);
  command->callback([request, view, arguments] {
    request->live = [view, arguments](console_cluster& all, const console_request& how) {
      view->arguments.update(*arguments);
      if (how.watch.count() > 0) view->every = how.watch;
      return run_top(all, *view);
    };
  });
}

} // namespace starling::cli
