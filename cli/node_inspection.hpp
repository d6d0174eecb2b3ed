#pragma once

#include "actors/inspector.hpp"
#include "actors/node_status.hpp"
#include "chat/settings.hpp"
#include "net/listener.hpp"
#include "net/loop_probe.hpp"
#include "net/redis_metrics.hpp"

namespace starling::cli {

/// What a console may look into, or change, of a node.
struct inspected_node {
  const node_settings& settings;
  std::string token; // the cluster's
  std::uint64_t incarnation = 0;
  std::shared_ptr<node_status> status;
  node_actor self;
  net::listener& clients; // outlives the actor system
  std::shared_ptr<net::redis_metrics> links;
  std::string url; // where clients connect
  std::shared_ptr<const net::loop_probe> loop;
};

/// The inspector of this node, published for consoles.
struct inspection {
  inspector_actor actor;
  std::string address; // host:port
  std::string trouble; // why it could not be
};

inspection start_inspector(caf::actor_system& system, inspected_node what);

} // namespace starling::cli
