#include "cli/node_inspection.hpp"

#include <caf/actor_system.hpp>
#include <nlohmann/json.hpp>

#include "actors/cluster.hpp"
#include "actors/describe.hpp"
#include "actors/inspect_actors.hpp"
#include "actors/inspect_admin.hpp"
#include "actors/inspect_events.hpp"
#include "actors/inspect_flight.hpp"
#include "actors/inspect_peek.hpp"
#include "actors/inspect_placement.hpp"
#include "actors/inspect_process.hpp"
#include "actors/inspect_trace.hpp"
#include "chat/address.hpp"
#include "cli/inspect_drops.hpp"
#include "cli/inspect_shards.hpp"
#include "cli/version.hpp"
#include "cli/wait_for_signal.hpp"

namespace starling::cli {
namespace {

/// Shards that do not answer, as `stuck` tells them.
nlohmann::json shards_in_trouble(const node_status& status) {
  using namespace std::chrono;
  auto result = nlohmann::json::array();
  auto since = status.shards_since();
  auto now = steady_clock::now();
  for (auto& [name, shard] : status.shards()) {
    if (shard.state == shard_state_kind::up) continue;
    auto away = duration_cast<milliseconds>(now - since.try_emplace(name, now).first->second);
    result.push_back({{"what", "shard"},
                      {"kind", "shard"},
                      {"name", shard.name},
                      {"for_ms", away.count()},
                      {"reason", std::string(name_of(shard.state)) + " (" + shard.address + "): " + shard.detail}});
  }
  return result;
}

/// What a node says of itself beside its actors: as /readyz does, and how it goes.
nlohmann::json node_now(const inspected_node& what) {
  using namespace std::chrono;
  auto milliseconds_of = [](auto time) {
    return static_cast<double>(duration_cast<microseconds>(time).count()) / 1000;
  };
  auto& status = *what.status;
  auto result = nlohmann::json::parse(status.readyz().second, nullptr, false);
  result.update({{"name", what.settings.name},
                 {"incarnation", status.incarnation()},
                 {"url", what.url},
                 {"state", status.state()},
                 {"loop_lag_ms", milliseconds_of(what.loop->last())},
                 {"loop_lag_max_ms", milliseconds_of(what.loop->longest())}});
  if (auto heard = status.master_heard(); heard != steady_clock::time_point())
    result["master_heard_ms"] = milliseconds_of(steady_clock::now() - heard);
  return result;
}

/// All that a console can ask of a node: by the name of the command.
inspector_commands commands_of(caf::actor_system& system, const inspected_node& what) {
  auto status = what.status;
  auto tables = [status] { return status->tables(); };
  auto door = system.spawn(shard_door, ask_links(what.links));
  inspector_commands all;
  all["process"] = process_command(version, [what] { return node_now(what); });
  all["actors"] = actors_command();
  all["peek"] = peek_command();
  all["stuck"] = stuck_command([status] { return shards_in_trouble(*status); });
  all["events"] = events_command();
  all["trace_begin"] = trace_begin_command();
  all["trace_start"] = trace_start_command();
  all["trace_read"] = trace_read_command();
  all["trace_end"] = trace_end_command();
  all["slots"] = slots_command(tables);
  all["where"] = where_command(tables, door);
  all["shards"] = shards_command(status, what.links, door);
  all["drops"] = drops_command(what.clients, what.links);
  all["flight"] = flight_command();
  all["kick"] = kick_command(what.self);
  all["revoke"] = revoke_command(what.self);
  all["restart"] = restart_command(what.self);
  all["send"] = send_command(what.self, what.settings.limits, what.settings.timings);
  all["drain"] = drain_command([&clients = what.clients] { return clients.connections(); }, ask_to_end);
  all["log_level"] = log_level_command();
  all["log_levels"] = log_levels_command();
  return all;
}

} // namespace

inspection start_inspector(caf::actor_system& system, inspected_node what) {
  auto where = parse_host_port(what.settings.inspect.listen);
  if (!where) return {{}, {}, "inspect.listen: expected host:port, found " + what.settings.inspect.listen};
  auto actor = system.spawn(inspector, inspector_options{what.settings.cluster.id,
                                                         what.token,
                                                         {"node", what.settings.name, what.incarnation, {}},
                                                         what.status->processes(),
                                                         commands_of(system, what),
                                                         [status = what.status] { return status->incarnation(); }});
  auto port = publish(system, caf::actor_cast<caf::strong_actor_ptr>(actor), "inspect.listen", *where);
  if (auto* why = std::get_if<std::string>(&port)) {
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    return {{}, {}, *why};
  }
  return {actor, where->host + ":" + std::to_string(std::get<std::uint16_t>(port)), {}};
}

} // namespace starling::cli
