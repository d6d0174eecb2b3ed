#pragma once

#include <functional>
#include <memory>
#include <string>

#include "actors/protocol.hpp"
#include "chat/settings.hpp"

namespace boost::asio {
class io_context;
}
namespace caf {
class actor_system;
}

namespace starling::net {
class api_listener;
class metrics_page;
} // namespace starling::net

namespace starling::cli {

/// A node's server API: the actor that carries out calls, and the port. Neither is there without a key.
class node_api {
public:
  node_api(caf::actor_system& system, boost::asio::io_context& io, const node_settings& settings, std::string key,
           const node_actor& node, net::metrics_page& metrics);
  node_api(const node_api&) = delete;
  node_api& operator=(const node_api&) = delete;
  ~node_api();

  /// Returns why it cannot, or nothing.
  std::string start();
  /// Takes no more calls; those under way are answered.
  void leave();
  /// Ends both. May be called again.
  void stop();

private:
  const std::string listen_;
  std::unique_ptr<net::api_listener> port_;
  std::function<void()> end_actor_;
};

} // namespace starling::cli
