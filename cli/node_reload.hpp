#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "cli/client_verifier.hpp"
#include "cli/config.hpp"
#include "cli/node_process.hpp"
#include "net/listener.hpp"
#include "net/tls_context.hpp"

namespace starling::cli {

/// What a node takes over from its configuration while it runs: the certificate for clients, the key of their tokens,
/// and log levels. All of it or, if anything is wrong, nothing. Used by one thread.
class node_reload {
public:
  /// `running`: as the node was started. `read` reads the same again.
  node_reload(node_configuration running, node_configuration_reader read, net::listener& clients,
              current_verifier& verify);
  void operator()();

private:
  /// What has been made of a new configuration; null or empty: that part stays as it is.
  struct parts {
    std::shared_ptr<const net::tls_context> tls;
    verifier verify;
  };

  std::variant<parts, std::string> make(const node_configuration& next) const;
  void apply(parts made);

  node_configuration running_;
  node_configuration_reader read_;
  net::listener& clients_;
  current_verifier& verify_;
};

} // namespace starling::cli
