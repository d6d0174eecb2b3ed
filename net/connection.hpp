#pragma once

#include <memory>

#include "net/services.hpp"

namespace starling::net {

/// Serves a client that has just connected: a TLS handshake if that is on, then HTTP answers, until it upgrades to a
/// WebSocket or ends. It keeps itself alive until then. Called on the socket's strand or before anything runs there.
void start_connection(std::shared_ptr<services> uses, tcp_socket socket, registry::seat seat);

} // namespace starling::net
