#include "cli/node_api.hpp"

#include <caf/actor_system.hpp>

#include "actors/server_api.hpp"
#include "net/api_listener.hpp"
#include "net/metrics.hpp"

namespace starling::cli {

node_api::node_api(caf::actor_system& system, boost::asio::io_context& io, const node_settings& settings,
                   std::string key, const node_actor& node, net::metrics_page& metrics)
    : listen_(settings.api.listen) {
  if (key.empty()) return;
  auto actor = system.spawn(server_api, server_api_options{settings.limits, settings.timings, node});
  end_actor_ = [actor] { caf::anon_send_exit(actor, caf::exit_reason::user_shutdown); };
  auto carrier = [actor](api_call call, std::function<void(api_outcome)> done) {
    caf::anon_send(actor, api_task{std::move(call), std::move(done)});
  };
  port_ = std::make_unique<net::api_listener>(io, std::move(key), std::move(carrier), settings.limits);
  metrics.add(port_->metrics());
}

node_api::~node_api() { stop(); }

std::string node_api::start() {
  if (!port_) return {};
  auto why = port_->start(listen_);
  if (why.empty()) log::info("api.listening", "listen={} port={}", listen_, port_->port());
  return why;
}

void node_api::leave() {
  if (port_) port_->stop();
}

void node_api::stop() {
  leave();
  if (auto end = std::exchange(end_actor_, nullptr)) end();
}

} // namespace starling::cli
