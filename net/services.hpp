#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>

#include "actors/ports.hpp"
#include "chat/requests.hpp"
#include "chat/settings.hpp"
#include "net/console.hpp"
#include "net/door.hpp"
#include "net/flusher.hpp"
#include "net/http.hpp"
#include "net/metrics.hpp"
#include "net/registry.hpp"
#include "net/tls_context.hpp"

namespace starling::net {

/// Says who a client is by its token or, in mode "open", by its word; or why it is refused, in words for the client.
/// Called from any thread.
using authenticator = std::function<std::variant<identity, std::string>(const session_open&)>;

/// A client's socket: its handlers run one after another, on whichever thread is free.
using strand = boost::asio::strand<boost::asio::io_context::executor_type>;
using tcp_socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, strand>;

/// What all connections of a listener use.
struct services {
  flusher& writes;
  gateway& sessions;
  authenticator verify;
  http_pages pages;
  std::function<std::vector<std::string>()> node_urls; // where a client that is sent away may go
  struct limits limits;
  struct timings timings;
  std::shared_ptr<traffic> counts;
  class door door;
  registry places; // whose connections have places at the door
  console_port console;
  std::atomic<std::shared_ptr<const tls_context>> tls{}; // of connections that come from now on; null: they speak none
};

} // namespace starling::net
