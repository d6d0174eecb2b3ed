#include <cstdlib>
#include <memory>

#include <CLI/CLI.hpp>
#include <pwd.h>
#include <unistd.h>

#include "actors/cluster_tls.hpp"
#include "cli/commands.hpp"
#include "cli/console/cluster.hpp"
#include "cli/console/commands.hpp"
#include "cli/console/shell.hpp"
#include "cli/console/table.hpp"
#include "cli/options.hpp"
#include "cli/secrets.hpp"

namespace starling::cli {
namespace {

struct console_options {
  config_options config;
  std::string node; // host:port of one node's inspector, in place of the master
  bool admin = false;
  std::shared_ptr<console_request> request = std::make_shared<console_request>();
};

/// Who is at the console: for the audit logs of those who are asked, not a proof of anything.
std::string operator_name() {
  char host[256] = "?";
  gethostname(host, sizeof host - 1);
  const auto* user = getpwuid(getuid());
  return std::string(user ? user->pw_name : "?") + "@" + host;
}

/// `asked`: whether it came to asking anybody.
int run(const console_options& options, bool& asked) {
  auto loaded = load_cluster_settings(options.config.file, options.config.overrides);
  if (auto* error = std::get_if<load_error>(&loaded)) return complain(*error);
  auto& cluster = std::get<cluster_settings>(loaded);
  auto token = read_secret({"the cluster's token", "cluster.token_file", cluster.token_file, "STARLING_CLUSTER_TOKEN"});
  if (auto* error = std::get_if<secret_error>(&token)) return fail(error->why);
  if (auto why = why_bad(cluster.tls); !why.empty()) return fail(why);
  auto& address = options.node.empty() ? cluster.master : options.node;
  auto where = parse_host_port(address);
  if (!where) return fail("expected host:port, found " + address);

  use_colours(::isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr);
  console_cluster all({cluster.id, std::get<secret>(token).text, operator_name(), options.admin, cluster.tls});
  if (auto why = all.join(*where, options.node.empty()))
    return fail((options.node.empty() ? "the master at " : "the inspector at ") + address + ": " + *why +
                (options.node.empty() ? " (a node can be asked in its place, by --node)" : ""));
  asked = true;
  if (!options.request->report && !options.request->live) return run_console_shell(all);
  return run_console_request(all, *options.request);
}

int run(const console_options& options) {
  bool asked = false;
  auto status = run(options, asked);
  return asked ? status : options.request->status_unknown.value_or(status);
}

constexpr const char* footer = "Without a command it is a shell of its own.\n"
                               "\n"
                               "Examples:\n"
                               "  starling console --config config/master.toml nodes\n"
                               "  starling console --node 127.0.0.1:41235 actors --kind room --sort busy --limit 10\n"
                               "\n"
                               "The exit code is 1 if a process did not answer (of \"check\": see check --help).";

} // namespace

void add_console_command(CLI::App& app, std::function<int()>& chosen) {
  auto* console = app.add_subcommand("console", "Look inside the actors of a running cluster");
  auto options = std::make_shared<console_options>();
  add_config_options(*console, options->config);
  console->add_option("--node", options->node, "A node's inspector, for when the master is away: host:port");
  console->add_flag("--admin", options->admin, "Ask for the right to change things");
  console->footer(footer);
  add_console_commands(*console, options->request);
  console->require_subcommand(0, 1);
  console->final_callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

} // namespace starling::cli
