#include "cli/console/shell.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <editline/readline.h>
#include <unistd.h>

#include "cli/commands.hpp"
#include "cli/console/completion.hpp"
#include "cli/options.hpp"

namespace starling::cli {
namespace {

/// What libedit's callbacks, which take no context, complete by. Set while there is a terminal.
struct completing {
  const CLI::App& commands;
  cluster_names& names;
};
completing* current = nullptr;
std::vector<std::string> offered;

/// For libedit: the next word that fits; allocated as it wants it.
char* next_word(const char*, int state) {
  static std::size_t next = 0;
  if (state == 0) next = 0;
  return next < offered.size() ? ::strdup(offered[next++].c_str()) : nullptr;
}

char** offer(const char* text, int start, int) {
  rl_attempted_completion_over = 1; // no names of files
  std::istringstream line(std::string(rl_line_buffer, static_cast<std::size_t>(start)));
  std::vector<std::string> before{std::istream_iterator<std::string>(line), {}};
  offered = complete(current->commands, current->names, before, text);
  return rl_completion_matches(text, next_word);
}

/// The lines of earlier sessions, and then of this one, in a file of the operator's own.
class line_history {
public:
  line_history() {
    using_history();
    stifle_history(lines_max);
    const char* home = std::getenv("HOME");
    if (!home) return;
    file_ = std::string(home) + "/.starling_history";
    read_history(file_.c_str()); // there may be none yet
  }
  ~line_history() {
    if (!file_.empty()) write_history(file_.c_str()); // or it is forgotten
  }
  line_history(const line_history&) = delete;
  line_history& operator=(const line_history&) = delete;

private:
  static constexpr int lines_max = 500;
  std::string file_;
};

/// A line from the terminal, or from a file or pipe without any prompt; nothing at the end.
std::optional<std::string> read_line(bool terminal) {
  if (!terminal) {
    std::string line;
    return std::getline(std::cin, line) ? std::optional(line) : std::nullopt;
  }
  std::unique_ptr<char, decltype(&std::free)> line(readline("starling> "), &std::free);
  if (!line) return std::nullopt;
  if (*line != '\0') add_history(line.get());
  return std::string(line.get());
}

/// Runs what was typed; help and complaints are printed.
int run_line(console_cluster& all, const std::string& line) {
  CLI::App app{"Look inside the actors of a running cluster. \"exit\" ends it.", ""};
  auto request = std::make_shared<console_request>();
  add_console_commands(app, request);
  app.require_subcommand(0, 1); // what is missing is told below, by its name
  try {
    app.parse(line, false);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      app.exit(error);
      return exit_ok;
    }
    std::fprintf(stderr, "%s (see: help)\n", error.what());
    return usage_status(app);
  }
  if (!request->report && !request->live) {
    std::fprintf(stderr, "no command in: %s (see: help)\n", line.c_str());
    return exit_usage;
  }
  return run_console_request(all, *request);
}

/// "help top" is "top --help".
std::string without_help(const std::string& line) {
  constexpr std::string_view help = "help";
  if (line == help) return "--help";
  return line.starts_with("help ") ? line.substr(help.size() + 1) + " --help" : line;
}

int run_lines(console_cluster& all, bool terminal) {
  int result = exit_ok;
  while (auto line = read_line(terminal)) {
    line->erase(line->find_last_not_of(" \t\r") + 1);
    line->erase(0, line->find_first_not_of(" \t"));
    if (line->empty()) continue;
    if (*line == "exit" || *line == "quit") return result;
    result = run_line(all, without_help(*line));
  }
  if (terminal) std::fputs("\n", stdout);
  return result;
}

} // namespace

int run_console_shell(console_cluster& all) {
  if (::isatty(STDIN_FILENO) == 0) return run_lines(all, false);
  CLI::App commands;
  add_console_commands(commands, std::make_shared<console_request>());
  cluster_names names(all);
  completing with{commands, names};
  current = &with;
  rl_readline_name = const_cast<char*>("starling"); // libedit does not write
  rl_completer_word_break_characters = const_cast<char*>(" \t\n");
  rl_attempted_completion_function = offer;
  line_history kept;
  std::puts("Looking into the cluster. \"help\" lists the commands, Tab completes, \"exit\" ends it.");
  return run_lines(all, true);
}

} // namespace starling::cli
