#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "actors/ports.hpp"
#include "chat/requests.hpp"
#include "chat/settings.hpp"
#include "net/console.hpp"
#include "net/door_rules.hpp"
#include "net/http.hpp"

namespace boost::asio {
class io_context;
}
namespace prometheus {
class Collectable;
}

namespace starling::net {

class flusher;
struct services;
class tls_context;
struct traffic;
struct traffic_gauges;

/// What a listener needs of others. What is referred to must outlive the run of the `io_context`.
struct listener_ports {
  gateway& sessions;
  flusher& writes;
  /// Says who a client is by its token or, in mode "open", by its word; or why it is refused, in words for the client.
  std::function<std::variant<identity, std::string>(const session_open&)> verify;
  http_pages pages;
  /// Where a client that is sent away may go; may be empty.
  std::function<std::vector<std::string>()> node_urls;
  console_port console = {};
  door_rules rules = {};
};

/// Accepts clients: HTTP and WebSocket on one port, in the clear or by TLS, each connection on its own strand of the
/// threads that run `threads`.
class listener {
public:
  listener(boost::asio::io_context& threads, listener_ports ports, const limits& bounds, const timings& times);
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;
  /// Stops accepting. Connections go on until they end or the threads stop.
  ~listener();

  /// Connections that come from now on speak TLS, with this certificate. Whether there is TLS at all is to be settled
  /// before `start`; later calls renew the certificate. From any thread.
  void use_tls(std::shared_ptr<const tls_context> with);

  /// Binds to `where` ("127.0.0.1:8080", "[::1]:0"; a name is looked up, which may take its time) and accepts.
  /// Returns why it cannot, in words, or nothing.
  std::string start(const std::string& where);
  /// The port it is bound to; 0 before `start`.
  std::uint16_t port() const;

  /// Accepts no more, from now on; may be called from any thread, and again.
  void stop_accepting();
  /// Ends all connections, each at a random moment within `spread`, so that not all come back elsewhere at once.
  void close_all(close_code code, std::string_view reason, std::chrono::milliseconds spread);
  /// Connections that are open, HTTP ones included.
  std::size_t connections() const;

  /// What was counted, and what is open, for `metrics_page`.
  std::shared_ptr<prometheus::Collectable> metrics() const;
  const traffic& counts() const;
  /// Looks at every connection.
  traffic_gauges gauges() const;

private:
  struct acceptor;
  std::shared_ptr<services> services_;
  std::shared_ptr<acceptor> acceptor_;
};

} // namespace starling::net
