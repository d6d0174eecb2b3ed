#include "cli/node_process.hpp"

#include <chrono>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>

#include "actors/cluster.hpp"
#include "actors/membership.hpp"
#include "actors/node.hpp"
#include "actors/scheduler.hpp"
#include "chat/address.hpp"
#include "cli/client_verifier.hpp"
#include "cli/commands.hpp"
#include "cli/flight.hpp"
#include "cli/node_api.hpp"
#include "cli/node_inspection.hpp"
#include "cli/node_reload.hpp"
#include "cli/options.hpp"
#include "cli/wait_for_signal.hpp"
#include "cli/web_console.hpp"
#include "net/flusher.hpp"
#include "net/listener.hpp"
#include "net/loop_probe.hpp"
#include "net/memory_link.hpp"
#include "net/metrics.hpp"
#include "net/node_metrics.hpp"
#include "net/redis_link.hpp"
#include "net/redis_metrics.hpp"
#include "net/tls_context.hpp"

namespace starling::cli {
namespace {

namespace asio = boost::asio;

/// Messages that an actor may handle before others have their turn.
constexpr std::size_t max_throughput = 50;

std::int64_t unix_ms() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

/// Makes links by what the address says: to a Redis over the network, or to one in this process.
redis_link_factory make_links(asio::io_context& io, const redis_settings& settings, std::string password,
                              std::shared_ptr<net::redis_metrics> metrics) {
  struct memory_shards {
    std::mutex mutex;
    std::map<std::string, std::shared_ptr<net::memory_server>> by_name;
  };
  auto scripts = std::make_shared<const net::script_set>(net::script_set::embedded());
  auto memory = std::make_shared<memory_shards>();
  return [=, &io](const shard_settings& shard) -> std::shared_ptr<redis_link> {
    if (shard.address != "memory:") {
      auto link = net::make_redis_link(io, shard, settings, password, scripts);
      metrics->add(shard.name, link);
      return link;
    }
    std::lock_guard lock(memory->mutex);
    auto& server = memory->by_name[shard.name];
    if (!server) server = std::make_shared<net::memory_server>(unix_ms);
    return net::make_memory_link(
        server, [&io](std::function<void()> work) { asio::post(io, std::move(work)); }, scripts,
        settings.commands_waiting);
  };
}

/// Tells the master that this node goes, if there is one to be told.
void leave(caf::actor_system& system, const membership_actor& member) {
  caf::scoped_actor self{system};
  self->request(member, milliseconds(1'000), leave_cluster{})
      .receive([] {}, [](const caf::error&) {}); // then it finds out by silence
  caf::anon_send_exit(member, caf::exit_reason::user_shutdown);
}

/// Threads for sockets and Redis connections alone, where actors have their own.
class socket_threads {
public:
  socket_threads(asio::io_context& io, unsigned count) : io_(io), work_(io.get_executor()) {
    for (unsigned i = 0; i < count; ++i)
      threads_.emplace_back([&io] { io.run(); });
  }
  ~socket_threads() {
    work_.reset();
    io_.stop();
    for (auto& thread : threads_)
      thread.join();
  }

private:
  asio::io_context& io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::vector<std::thread> threads_;
};

/// How long clients are spread over when they are sent away in the middle of things, so that they do not all come back
/// at once.
constexpr milliseconds eviction_spread{2'000};

using certificate = std::shared_ptr<const net::tls_context>;

/// What clients are to connect by; null: TLS is off. Or what is wrong with it.
std::variant<certificate, std::string> load_tls(const client_tls_settings& files) {
  if (!files.on()) return certificate();
  return net::tls_context::load(files);
}

/// Where clients of other nodes are told to come.
std::string url_of(const node_settings& settings) {
  if (!settings.url.empty()) return settings.url;
  return (settings.tls.on() ? "wss://" : "ws://") + settings.listen + "/ws";
}

} // namespace

int run_node(const node_configuration& configuration, node_configuration_reader read_again) {
  const auto& [settings, secrets] = configuration;
  auto verifier_made = make_verifier(settings.auth, secrets.token_key);
  if (auto* why = std::get_if<std::string>(&verifier_made)) return fail(*why);
  current_verifier verify(std::get<verifier>(std::move(verifier_made)));
  auto tls = load_tls(settings.tls);
  if (auto* why = std::get_if<std::string>(&tls)) return fail(*why);
  if (settings.auth.mode == "open") log::warn("auth.open", "listen={} anybody_may_be=anybody", settings.listen);

  start_flight_recorder(settings.log, settings.table_file, "node-" + settings.name);
  auto threads = settings.threads != 0 ? settings.threads : std::max(1u, std::thread::hardware_concurrency());
  asio::io_context io(static_cast<int>(threads));
  caf::actor_system_config config;
  config.set("scheduler.max-threads", threads).set("scheduler.max-throughput", max_throughput);
  const bool shared = settings.scheduler == "shared";
  if (shared) use_asio_scheduler(config, io);
  add_cluster_messages(config);
  configure_middleman(config, settings.cluster.tls);

  net::flusher writes(io);
  auto status = std::make_shared<node_status>();
  net::metrics_page metrics;
  int result = exit_ok;
  {
    socket_threads sockets(io, shared ? 0 : threads);
    caf::actor_system system(config);
    auto sessions = std::make_shared<node_gateway>(system);
    auto pages = std::make_shared<web_console>(io, settings, secrets.cluster_token);
    net::listener_ports ports{*sessions,
                              writes,
                              std::ref(verify),
                              {[status] { return status->readyz(); }, [status] { return status->nodes(); },
                               [&metrics] { return metrics.text(); }},
                              [status, name = settings.name] { return status->other_urls(name); },
                              pages->port(),
                              {settings.origins, settings.proxies}};
    net::listener clients(io, std::move(ports), settings.limits, settings.timings);
    clients.use_tls(std::get<certificate>(tls));
    node_reload reload(configuration, std::move(read_again), clients, verify);
    metrics.add(clients.metrics());
    metrics.add(net::collect_actors());
    auto links = std::make_shared<net::redis_metrics>();
    metrics.add(links);
    auto loop = std::make_shared<net::loop_probe>(io);
    metrics.add(loop);
    loop->start();

    node_options options;
    options.settings = settings;
    options.incarnation = first_incarnation();
    options.make_link = make_links(io, settings.redis, secrets.redis_password, links);
    options.fan = std::shared_ptr<fan_out>(&writes, [](fan_out*) {});
    options.sessions = sessions;
    options.status = status;
    options.evict = [&clients](close_code code, std::string reason) {
      clients.close_all(code, reason, eviction_spread);
    };
    auto incarnation = options.incarnation;
    auto self = system.spawn(node, std::move(options));
    auto url = url_of(settings);
    auto inside = start_inspector(
        system, {settings, secrets.cluster_token, incarnation, status, self, clients, links, url, loop});
    node_api api(system, io, settings, secrets.api_key, self, metrics);
    if (inside.trouble.empty()) pages->start(system, inside.actor, incarnation);
    if (!inside.trouble.empty()) {
      result = fail(inside.trouble);
    } else if (auto why = clients.start(settings.listen); !why.empty()) {
      result = fail(why);
    } else if (auto trouble = api.start(); !trouble.empty()) {
      result = fail(trouble);
    } else {
      auto member = system.spawn(membership, membership_options{settings.cluster,
                                                                secrets.cluster_token,
                                                                {settings.name, incarnation, url, inside.address},
                                                                settings.table_file,
                                                                network_world(io, system),
                                                                member_listener(self),
                                                                status});
      log::info("node.started", "name={} listen={} threads={}", settings.name, settings.listen, threads);
      auto signal = wait_for_signal(std::ref(reload));
      log::info("node.leaving", "signal={} clients={}", signal, clients.connections());
      status->set_draining();
      clients.stop_accepting();
      api.leave();
      clients.close_all(close_code::going_away, "this node is leaving", settings.timings.drain / 2);
      wait_until([&] { return clients.connections() == 0; }, settings.timings.drain);
      log::info("node.drained", "clients_left={}", clients.connections());
      leave(system, member);
    }
    loop->stop();
    api.stop();
    clients.close_all(close_code::going_away, "this node is leaving", milliseconds(0));
    pages->stop();
    caf::anon_send_exit(self, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(inside.actor, caf::exit_reason::user_shutdown);
    self = nullptr;
    inside.actor = nullptr;
    wait_until([&] { return actor_directory::instance().count("session") == 0; }, milliseconds(1'000));
  }
  log::info("node.ended", "name={}", settings.name);
  return result;
}

} // namespace starling::cli
