#pragma once

#include <caf/actor_system.hpp>
#include <caf/io/doorman.hpp>
#include <caf/io/network/native_socket.hpp>
#include <caf/io/scribe.hpp>

namespace starling {

/// Hears of connections that were refused before there was anything to tell a broker of.
class stranger_listener {
public:
  virtual ~stranger_listener() = default;
  /// `socket` is closed after this.
  virtual void refused(int socket) = 0;
};

// Mutual TLS for a broker of CAF, with the files of the system's configuration. Both do what CAF's own do
// (caf/openssl), but for two faults of those in 0.17:
//
// - OpenSSL keeps what went wrong with a connection in a queue of the thread's, which CAF never empties: the next
//   connection that is read there, a good one, is taken for broken. Any stranger, and any process that is killed, cut a
//   link between two others.
// - A handshake that fails at once is told to nobody.

/// A connection of a socket that has been connected; null if the handshake fails at once: then the socket is still the
/// caller's.
caf::io::scribe_ptr make_tls_scribe(caf::actor_system& system, caf::io::network::native_socket socket);

/// Accepts connections of a socket that listens. Its broker is a `stranger_listener` if it wants to be told of those
/// that fail.
caf::io::doorman_ptr make_tls_doorman(caf::actor_system& system, caf::io::network::native_socket socket);

} // namespace starling
