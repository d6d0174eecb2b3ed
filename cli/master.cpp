#include <CLI/CLI.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "actors/cluster.hpp"
#include "actors/cluster_tls.hpp"
#include "actors/inspect_actors.hpp"
#include "actors/inspect_admin.hpp"
#include "actors/inspect_events.hpp"
#include "actors/inspect_flight.hpp"
#include "actors/inspect_peek.hpp"
#include "actors/inspect_process.hpp"
#include "actors/log.hpp"
#include "actors/master.hpp"
#include "chat/address.hpp"
#include "cli/commands.hpp"
#include "cli/flight.hpp"
#include "cli/options.hpp"
#include "cli/reload.hpp"
#include "cli/secrets.hpp"
#include "cli/version.hpp"
#include "cli/wait_for_signal.hpp"

namespace starling::cli {
namespace {

/// The nodes as the master sees them: alive; suspected: nothing was heard for three heartbeats, it will be declared
/// dead; expected: known from the state file, not here yet.
nlohmann::json cluster_now(const cluster_picture& picture, const cluster_settings& settings) {
  using namespace std::chrono;
  constexpr int suspicious_heartbeats = 3;
  auto [epoch, digest, all] = picture.get();
  auto nodes = nlohmann::json::array();
  for (auto& [name, one] : all) {
    nlohmann::json node{{"name", name},        {"incarnation", one.node.incarnation},
                        {"url", one.node.url}, {"inspect", one.node.inspect},
                        {"epoch", one.epoch},  {"digest", fmt::format("{:016x}", one.digest)}};
    auto silent = steady_clock::now() - one.heard;
    const bool here = one.heard != node_registry::time_point();
    node["standing"] = !here ? "expected" : silent > settings.heartbeat * suspicious_heartbeats ? "suspected" : "alive";
    if (here) node["heard_ms"] = duration_cast<milliseconds>(silent).count();
    nodes.push_back(std::move(node));
  }
  return {{"epoch", epoch},
          {"digest", fmt::format("{:016x}", digest)},
          {"heartbeat_ms", settings.heartbeat.count()},
          {"dead_after_ms", settings.dead_after.count()},
          {"nodes", std::move(nodes)}};
}

/// Reads the configuration again; of a master, only log levels change without a restart.
void reload(const config_options& options, const master_settings& running) {
  auto loaded = load_master_settings(options.file, options.overrides);
  if (auto* error = std::get_if<load_error>(&loaded)) return refuse_reload(*error);
  const auto& next = std::get<master_settings>(loaded);
  finish_reload(next.log, changed_keys(running, next));
}

int run_master(master_start start, const config_options& options) {
  auto settings = start.settings;
  start_flight_recorder(settings.log, settings.state_file, "master");
  auto where = parse_host_port(settings.cluster.master);
  if (!where) return fail("cluster.master: expected host:port, found " + settings.cluster.master);
  caf::actor_system_config config;
  // A master handles a few messages a second: one thread, and none that polls.
  config.set("scheduler.policy", caf::atom("sharing")).set("scheduler.max-threads", 1u);
  add_cluster_messages(config);
  configure_middleman(config, settings.cluster.tls);
  caf::actor_system system(config);
  auto picture = start.picture;
  start.inspector = system.spawn(
      inspector,
      inspector_options{settings.cluster.id,
                        start.token,
                        {"master", "master", start.incarnation, {}},
                        start.processes,
                        {{"process", process_command(version, [=] { return cluster_now(*picture, settings.cluster); })},
                         {"actors", actors_command()},
                         {"peek", peek_command()},
                         {"stuck", stuck_command()},
                         {"events", events_command()},
                         {"flight", flight_command()},
                         {"log_level", log_level_command()},
                         {"log_levels", log_levels_command()}}});
  auto watcher = start.inspector;
  auto self = system.spawn(master, std::move(start));
  auto port = publish(system, caf::actor_cast<caf::strong_actor_ptr>(self), "cluster.master", *where);
  if (auto* why = std::get_if<std::string>(&port)) {
    caf::anon_send_exit(self, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(watcher, caf::exit_reason::user_shutdown);
    return fail(*why);
  }
  log::info("master.started", "listen={} shards={}", settings.cluster.master, settings.shards.size());
  auto signal = wait_for_signal([&] { reload(options, settings); });
  log::info("master.leaving", "signal={}", signal);
  caf::anon_send_exit(self, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(watcher, caf::exit_reason::user_shutdown);
  return exit_ok;
}

int run(const config_options& options) {
  keep_signals();
  auto loaded = load_master_settings(options.file, options.overrides);
  if (auto* error = std::get_if<load_error>(&loaded)) return complain(*error);
  auto& settings = std::get<master_settings>(loaded);
  log::configure(settings.log);
  if (auto why = why_bad(settings.cluster.tls); !why.empty()) return fail(why);
  auto token =
      read_secret({"the cluster's token", "cluster.token_file", settings.cluster.token_file, "STARLING_CLUSTER_TOKEN"});
  if (auto* error = std::get_if<secret_error>(&token)) return fail(error->why);
  auto start = prepare_master(settings, std::get<secret>(token).text);
  if (auto* why = std::get_if<std::string>(&start)) return fail(*why);
  return run_master(std::get<master_start>(std::move(start)), options);
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
