#include <CLI/CLI.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include "actors/cluster.hpp"
#include "actors/log.hpp"
#include "actors/master.hpp"
#include "chat/address.hpp"
#include "cli/commands.hpp"
#include "cli/options.hpp"
#include "cli/secrets.hpp"
#include "cli/wait_for_signal.hpp"

namespace starling::cli {
namespace {

int run_master(master_start start) {
  keep_signals();
  auto settings = start.settings;
  auto where = parse_host_port(settings.cluster.master);
  if (!where) return fail("cluster.master: expected host:port, found " + settings.cluster.master);
  caf::actor_system_config config;
  // A master handles a few messages a second: one thread, and none that polls.
  config.set("scheduler.policy", caf::atom("sharing")).set("scheduler.max-threads", 1u);
  add_cluster_messages(config);
  configure_middleman(config);
  caf::actor_system system(config);
  auto self = system.spawn(master, std::move(start));
  auto port = publish_master(system, self, where->host, where->port);
  if (auto* why = std::get_if<std::string>(&port)) {
    caf::anon_send_exit(self, caf::exit_reason::user_shutdown);
    return fail(*why);
  }
  log::info("master.started", "listen={} shards={}", settings.cluster.master, settings.shards.size());
  auto signal = wait_for_signal();
  log::info("master.leaving", "signal={}", signal);
  caf::anon_send_exit(self, caf::exit_reason::user_shutdown);
  return exit_ok;
}

int run(const config_options& options) {
  auto loaded = load_master_settings(options.file, options.overrides);
  if (auto* error = std::get_if<load_error>(&loaded)) return complain(*error);
  auto& settings = std::get<master_settings>(loaded);
  log::configure(settings.log);
  auto token =
      read_secret({"the cluster's token", "cluster.token_file", settings.cluster.token_file, "STARLING_CLUSTER_TOKEN"});
  if (auto* error = std::get_if<secret_error>(&token)) return fail(error->why);
  auto start = prepare_master(settings, std::get<secret>(token).text);
  if (auto* why = std::get_if<std::string>(&start)) return fail(*why);
  return run_master(std::get<master_start>(std::move(start)));
}

} // namespace

void add_master_command(CLI::App& app, std::function<int()>& chosen) {
  auto options = std::make_shared<config_options>();
  auto* master = app.add_subcommand("master", "The master: it knows the nodes and owns the slot table");
  add_config_options(*master, *options);
  master->footer("Example:\n  starling master --config config/master.toml");
  master->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

} // namespace starling::cli
