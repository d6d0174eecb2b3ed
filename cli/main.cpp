#include <cstdio>
#include <exception>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/commands.hpp"
#include "cli/options.hpp"
#include "cli/version.hpp"

namespace {

using starling::cli::exit_failed;
using starling::cli::exit_usage;

constexpr const char* examples =
    "Examples:\n"
    "  starling up                                            # a whole cluster on this machine, to try it out\n"
    "  starling master --config config/master.toml\n"
    "  starling node --config config/node.toml --name a --listen 127.0.0.1:8080\n"
    "  starling token --user ann --ttl 1h --key-file key\n"
    "  starling console nodes                                 # look inside a running cluster\n"
    "  starling bench --scenario fanout\n"
    "\n"
    "Each command tells more with --help.";

/// Prints help or version if that was asked for, else what is wrong with the command line, in one line.
int explain(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);
  std::string command = "starling";
  for (const CLI::App* chosen : app.get_subcommands())
    command += ' ' + chosen->get_name();
  std::fprintf(stderr, "starling: %s (see: %s --help)\n", error.what(), command.c_str());
  return starling::cli::usage_status(app);
}

} // namespace

int main(int argc, char** argv) try {
  CLI::App app{"Starling: a distributed chat server", "starling"};
  app.set_version_flag("--version", std::string("starling ") + starling::cli::version);
  app.require_subcommand(0, 1); // that there is one is checked below, where a wrong one has been told already
  app.footer(examples);

  std::function<int()> chosen;
  for (auto add :
       {starling::cli::add_master_command, starling::cli::add_node_command, starling::cli::add_up_command,
        starling::cli::add_token_command, starling::cli::add_console_command, starling::cli::add_bench_command})
    add(app, chosen);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return explain(app, error);
  }
  if (!chosen) {
    std::fprintf(stderr, "starling: expected a command (see: starling --help)\n");
    return exit_usage;
  }
  return chosen();
} catch (const std::exception& error) {
  // Nothing of ours throws, but memory runs out.
  std::fprintf(stderr, "starling: %s\n", error.what());
  return exit_failed;
}
