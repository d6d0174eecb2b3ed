#include "actors/tls_transport.hpp"

#include <atomic>
#include <chrono>
#include <exception>
#include <string>
#include <utility>

#include <caf/actor_system_config.hpp>
#include <caf/io/broker.hpp>
#include <caf/io/middleman.hpp>
#include <caf/io/middleman_actor_impl.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/doorman_impl.hpp>
#include <caf/io/network/interfaces.hpp>
#include <caf/io/network/stream_impl.hpp>
#include <caf/io/scribe.hpp>
#include <caf/openssl/session.hpp>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/cluster_tls.hpp"
#include "actors/log.hpp"

namespace starling {
namespace {

using caf::io::network::default_multiplexer;
using caf::io::network::native_socket;
using caf::io::network::rw_state;
using caf::openssl::session_ptr;

/// How a stream reads and writes. Before each use what OpenSSL has to say of other connections is thrown away.
struct tls_policy {
  session_ptr session;

  rw_state read_some(std::size_t& size, native_socket from, void* into, std::size_t at_most) {
    ERR_clear_error();
    return session->read_some(size, from, into, at_most);
  }
  rw_state write_some(std::size_t& size, native_socket to, const void* bytes, std::size_t at_most) {
    ERR_clear_error();
    return session->write_some(size, to, bytes, at_most);
  }
  bool must_read_more(native_socket from, std::size_t threshold) { return session->must_read_more(from, threshold); }
};

/// A connection, as a broker has it.
class tls_scribe : public caf::io::scribe {
public:
  tls_scribe(default_multiplexer& loop, native_socket socket, session_ptr session)
      : scribe(caf::io::connection_handle::from_int(socket)), stream_(loop, socket, tls_policy{std::move(session)}) {}

  void configure_read(caf::io::receive_policy::config how) override {
    stream_.configure_read(how);
    if (std::exchange(launched_, true)) return;
    stream_.start(this);
    stream_.force_empty_write(this); // the handshake may have something to say before we have
  }
  void ack_writes(bool enable) override { stream_.ack_writes(enable); }
  std::vector<char>& wr_buf() override { return stream_.wr_buf(); }
  std::vector<char>& rd_buf() override { return stream_.rd_buf(); }
  void flush() override { stream_.flush(this); }
  bool consume(caf::execution_unit* context, const void* bytes, std::size_t size) override {
    heard_ = true;
    return scribe::consume(context, bytes, size);
  }
  void graceful_shutdown() override {
    stream_.graceful_shutdown();
    // While no handshake has been, CAF would go on trying to write what waits for it, as fast as it can.
    if (!heard_) ::shutdown(stream_.fd(), SHUT_RDWR);
    detach(&stream_.backend(), false);
  }
  std::string addr() const override {
    auto found = caf::io::network::remote_addr_of_fd(stream_.fd());
    return found ? *found : std::string();
  }
  std::uint16_t port() const override {
    auto found = caf::io::network::remote_port_of_fd(stream_.fd());
    return found ? *found : std::uint16_t{0};
  }
  void add_to_loop() override { stream_.activate(this); }
  void remove_from_loop() override { stream_.passivate(); }

private:
  bool launched_ = false;
  bool heard_ = false; // anything
  caf::io::network::stream_impl<tls_policy> stream_;
};

/// Once a second: whoever knocks could fill the log.
bool may_tell() {
  using std::chrono::steady_clock;
  static std::atomic<steady_clock::rep> told = 0;
  auto now = steady_clock::now().time_since_epoch();
  auto before = told.load();
  return now - steady_clock::duration(before) >= std::chrono::seconds(1) &&
         told.compare_exchange_strong(before, now.count());
}

void tell(const std::string& why) {
  if (may_tell()) log::error("cluster.tls_failed", "reason=\"{}\"", why);
}

/// CAF reads the files for each connection; but when it cannot it throws, and leaks what it had begun.
bool files_are_good(const caf::actor_system_config& config) {
  auto why = why_bad({config.openssl_cafile, config.openssl_certificate, config.openssl_key});
  if (!why.empty()) tell(why);
  return why.empty();
}

/// Makes a connection of a socket; null if the handshake fails at once.
caf::io::scribe_ptr make_scribe(caf::actor_system& system, native_socket socket, bool accepted) try {
  caf::io::network::nonblocking(socket, true);
  ERR_clear_error();
  auto session = caf::openssl::make_session(system, socket, accepted);
  if (!session) return nullptr;
  auto& loop = static_cast<default_multiplexer&>(system.middleman().backend());
  return caf::make_counted<tls_scribe>(loop, socket, std::move(session));
} catch (const std::exception& why) { // the files have changed just now
  tell(why.what());
  return nullptr;
}

class tls_doorman : public caf::io::network::doorman_impl {
public:
  using doorman_impl::doorman_impl;

  bool new_connection() override {
    auto socket = acceptor_.accepted_socket();
    if (detached() || !files_are_good(parent()->system().config())) return close(socket);
    auto made = make_scribe(parent()->system(), socket, true);
    if (!made) {
      if (auto* listener = dynamic_cast<stranger_listener*>(parent())) listener->refused(socket);
      return close(socket);
    }
    auto handle = made->hdl();
    parent()->add_scribe(std::move(made));
    return doorman::new_connection(&acceptor_.backend(), handle);
  }

private:
  static bool close(native_socket socket) {
    ::close(socket);
    return false;
  }
};

} // namespace

caf::io::scribe_ptr make_tls_scribe(caf::actor_system& system, native_socket socket) {
  return files_are_good(system.config()) ? make_scribe(system, socket, false) : nullptr;
}

caf::io::doorman_ptr make_tls_doorman(caf::actor_system& system, native_socket socket) {
  auto& loop = static_cast<default_multiplexer&>(system.middleman().backend());
  return caf::make_counted<tls_doorman>(loop, socket);
}

} // namespace starling
