#include "actors/transport.hpp"

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <caf/io/basp_broker.hpp>
#include <caf/io/middleman.hpp>
#include <caf/io/middleman_actor_impl.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/interfaces.hpp>
#include <caf/openssl/manager.hpp>
#include <caf/scoped_actor.hpp>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/connect_socket.hpp"
#include "actors/counters.hpp"
#include "actors/log.hpp"
#include "actors/tls_transport.hpp"

namespace starling {
namespace {

using caf::io::connection_closed_msg;
using caf::io::connection_handle;
using caf::io::new_connection_msg;
using caf::io::new_data_msg;
using clock_time = caf::actor_clock::time_point;

constexpr std::chrono::seconds tell_again{1};

/// Who only looks whether somebody listens says nothing: as our own processes do before they have CAF connect.
bool has_spoken(int socket) {
  tcp_info seen{};
  socklen_t size = sizeof(seen);
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &seen, &size) != 0) return true; // CAF has closed it
  return seen.tcpi_bytes_received > 1;                                             // the end of what it sends is one
}

/// Between two lines in the log there may be thousands who knock: the next line says how many.
class stranger_log {
public:
  void add(const std::string& from) {
    actor_counters::instance().strangers.fetch_add(1, std::memory_order_relaxed);
    ++untold_;
    auto now = std::chrono::steady_clock::now();
    if (told_at_ + tell_again > now) return;
    told_at_ = now;
    log::warn("cluster.stranger", "from={} connections={} reason=\"no process of this cluster: see cluster.tls\"", from,
              std::exchange(untold_, 0));
  }

private:
  std::chrono::steady_clock::time_point told_at_{};
  std::uint64_t untold_ = 0;
};

/// CAF's broker of connections between processes. It tells nobody of a handshake that failed, and waits for ever for
/// one that does not come: of each connection that was accepted this remembers, until CAF knows the node at its other
/// end, since when it knocks.
class watched_broker : public caf::io::basp_broker, public stranger_listener {
public:
  using basp_broker::basp_broker;

  /// CAF ends a connection when the other end does, or when what comes is not its protocol; it tells us only the first.
  caf::invoke_message_result consume(caf::mailbox_element& what) override {
    const auto& content = what.content();
    if (content.match_elements<new_connection_msg>()) knock(content.get_as<new_connection_msg>(0).handle);
    if (content.match_elements<connection_closed_msg>()) closed(content.get_as<connection_closed_msg>(0).handle);
    auto told = content.match_elements<new_data_msg>()
                    ? std::optional<connection_handle>(content.get_as<new_data_msg>(0).handle)
                    : std::nullopt;
    bool tick = !content.empty() && content.match_element<caf::tick_atom>(0);
    if (tick) give_time();
    auto result = basp_broker::consume(what);
    if (told && !knocking_.empty()) heard(*told);
    if (tick) look_around();
    return result;
  }

  void refused(int socket) override {
    if (!has_spoken(socket)) return;
    auto from = caf::io::network::remote_addr_of_fd(socket);
    strangers_.add(from ? *from : "?");
  }

private:
  struct knock_at {
    std::string from;
    clock_time since;
  };

  /// CAF's handle is the descriptor.
  static int socket_of(connection_handle which) { return static_cast<int>(which.id()); }

  void knock(connection_handle which) {
    knocking_.insert_or_assign(which, knock_at{remote_addr(which), clock().now()});
  }

  /// CAF has looked at what came.
  void heard(connection_handle which) {
    if (!valid(which))
      closed(which);
    else if (instance.tbl().lookup_direct(which))
      knocking_.erase(which);
  }

  void closed(connection_handle which) {
    auto stranger = knocking_.find(which);
    if (stranger == knocking_.end()) return;
    if (has_spoken(socket_of(which))) strangers_.add(stranger->second.from);
    knocking_.erase(stranger);
  }

  /// Connections of our own have no time yet until something has come, and CAF would end them at the next tick.
  void give_time() {
    for (auto& [handle, state] : ctx)
      if (state.last_seen == clock_time()) state.last_seen = clock().now();
  }

  void look_around() {
    std::erase_if(knocking_, [this](const auto& one) {
      if (valid(one.first)) return false;
      strangers_.add(one.second.from);
      return true;
    });
    for (auto& [handle, one] : knocking_)
      if (clock().now() - one.since > link_silence) ::shutdown(socket_of(handle), SHUT_RDWR); // then it is closed
  }

  std::unordered_map<connection_handle, knock_at> knocking_;
  stranger_log strangers_;
};

/// Connects and listens for a broker: by TLS if the system was configured so.
class connector : public caf::io::middleman_actor_impl {
public:
  connector(caf::actor_config& config, caf::actor broker)
      : middleman_actor_impl(config, std::move(broker)), tls_(system().has_openssl_manager()) {}

  const char* name() const override { return "connector"; }
  void on_exit() override {
    middleman_actor_impl::on_exit();
    OPENSSL_thread_stop(); // nobody waits for its thread, which frees what OpenSSL has for it too late to be seen
  }

protected:
  caf::expected<caf::io::scribe_ptr> connect(const std::string& host, std::uint16_t port) override {
    auto socket = connect_socket(host, port, connect_patience);
    if (!socket) return std::move(socket.error());
    auto made = tls_ ? make_tls_scribe(system(), *socket) : system().middleman().backend().new_scribe(*socket);
    if (made) return made;
    ::close(*socket);
    return caf::sec::cannot_connect_to_node;
  }
  caf::expected<caf::io::doorman_ptr> open(std::uint16_t port, const char* address, bool reuse) override {
    if (!tls_) return middleman_actor_impl::open(port, address, reuse);
    auto socket = caf::io::network::new_tcp_acceptor_impl(port, address, reuse);
    if (!socket) return std::move(socket.error());
    return make_tls_doorman(system(), *socket);
  }

private:
  bool tls_;
};

class watched_middleman : public caf::io::middleman {
public:
  explicit watched_middleman(caf::actor_system& system) : middleman(system), backend_(&system) {}

  void start() override {
    broker_ = named_broker<watched_broker>(caf::atom("BASP")); // what CAF finds by this name, it does not make
    middleman::start();
    connector_ = system().spawn<connector, caf::detached + caf::hidden>(broker_); // connecting blocks
  }

  /// CAF ends each connection on this side, and waits without end for the other one to do so.
  void stop() override {
    caf::scoped_actor self(system(), true);
    self->send_exit(connector_, caf::exit_reason::kill);
    self->wait_for(std::exchange(connector_, nullptr)); // `connect_patience` for each who waits there
    auto sockets = open_sockets();
    broker_ = nullptr;
    std::promise<void> ended;
    std::thread patience([&sockets, end = ended.get_future()] {
      if (end.wait_for(link_silence) == std::future_status::ready) return;
      for (auto socket : sockets)
        ::shutdown(socket, SHUT_RDWR);
    });
    middleman::stop();
    ended.set_value();
    patience.join();
    for (auto socket : sockets)
      ::close(socket);
  }
  caf::io::network::multiplexer& backend() override { return backend_; }
  const caf::io::middleman_actor& transport() const { return connector_; }

  static caf::actor_system::module* make(caf::actor_system& system, caf::detail::type_list<>) {
    return new watched_middleman(system);
  }

private:
  /// Of all connections, as descriptors of our own.
  std::vector<int> open_sockets() {
    auto found = std::make_shared<std::promise<std::vector<int>>>();
    auto result = found->get_future();
    backend().dispatch([broker = broker_, found] {
      std::vector<int> sockets;
      auto* all = static_cast<watched_broker*>(caf::actor_cast<caf::abstract_actor*>(broker));
      for (auto handle : all->connections())
        sockets.push_back(::dup(static_cast<int>(handle.id())));
      found->set_value(std::move(sockets));
    });
    return result.wait_for(link_silence) == std::future_status::ready ? result.get() : std::vector<int>();
  }

  caf::io::network::default_multiplexer backend_;
  caf::actor broker_;
  caf::io::middleman_actor connector_;
};

} // namespace

void load_transport(caf::actor_system_config& config, const cluster_tls_settings& tls) {
  config.load<watched_middleman>();
  config.set("middleman.heartbeat-interval", caf::timespan(link_beat));
  config.set("middleman.connection-timeout", caf::timespan(link_silence));
  if (!tls.on()) return;
  config.load<caf::openssl::manager>();
  config.openssl_cafile = tls.ca;
  config.openssl_certificate = tls.certificate;
  config.openssl_key = tls.key;
}

caf::io::middleman_actor transport(caf::actor_system& system) {
  return static_cast<watched_middleman&>(system.middleman()).transport();
}

} // namespace starling
