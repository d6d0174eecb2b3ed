#pragma once

#include <cerrno>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/websocket/teardown.hpp>

#include "net/services.hpp"
#include "net/tls_channel.hpp"

namespace starling::net {

/// A client's socket, with TLS or without, as Beast reads and writes it. What reads and writes by itself, without
/// Beast, takes both parts out of it.
class client_stream {
public:
  using executor_type = tcp_socket::executor_type;
  using error_code = boost::system::error_code;

  /// Without `tls` it is the socket and nothing else.
  client_stream(tcp_socket socket, std::unique_ptr<tls_channel> tls)
      : socket_(std::move(socket)), tls_(std::move(tls)) {}

  executor_type get_executor() { return socket_.get_executor(); }
  tcp_socket& socket() { return socket_; }
  const tcp_socket& socket() const { return socket_; }
  tls_channel* tls() { return tls_.get(); }

  std::pair<tcp_socket, std::unique_ptr<tls_channel>> release() { return {std::move(socket_), std::move(tls_)}; }
  /// From now on the socket alone is read and written.
  void leave_tls() { tls_.reset(); }

  /// Nothing more will be sent.
  void end_sending() {
    if (tls_) tls_->end_sending();
    error_code ignored; // a socket that is gone is read to its end
    socket_.shutdown(tcp_socket::shutdown_send, ignored);
  }
  void close() {
    error_code ignored;
    socket_.close(ignored);
  }

  template <class Buffers, class Handler>
  auto async_read_some(const Buffers& into, Handler&& handler) {
    return boost::asio::async_compose<Handler, void(error_code, std::size_t)>(reading<Buffers>{*this, into}, handler,
                                                                              socket_);
  }

  template <class Buffers, class Handler>
  auto async_write_some(const Buffers& from, Handler&& handler) {
    return boost::asio::async_compose<Handler, void(error_code, std::size_t)>(writing<Buffers>{*this, from}, handler,
                                                                              socket_);
  }

private:
  template <class Buffers>
  struct reading;
  template <class Buffers>
  struct writing;

  tcp_socket socket_;
  std::unique_ptr<tls_channel> tls_;
};

/// Reads what is there, into the first buffer that has room; waits for the socket if nothing is.
template <class Buffers>
struct client_stream::reading {
  client_stream& from;
  Buffers into;
  bool begun = false;

  template <class Self>
  void operator()(Self& self, error_code why = {}, std::size_t n = 0) {
    if (!std::exchange(begun, true)) {
      auto buffers = into; // `self` holds this object
      if (!from.tls_) return from.socket_.async_read_some(buffers, std::move(self));
      return boost::asio::post(from.get_executor(), std::move(self)); // a handler is not called by who asks for it
    }
    if (!from.tls_ || why) return self.complete(why, n);
    if (!from.socket_.is_open()) return self.complete(boost::asio::error::operation_aborted, 0);
    n = from.tls_->read_some(room(), why);
    if (why != boost::asio::error::would_block) return self.complete(why, n);
    if (from.tls_->holds_more()) return boost::asio::post(from.get_executor(), std::move(self));
    from.socket_.async_wait(tcp_socket::wait_read, std::move(self));
  }

  std::span<char> room() const {
    auto end = boost::asio::buffer_sequence_end(into);
    for (auto i = boost::asio::buffer_sequence_begin(into); i != end; ++i) {
      const boost::asio::mutable_buffer one = *i;
      if (one.size() > 0) return {static_cast<char*>(one.data()), one.size()};
    }
    return {};
  }
};

/// Writes at most a record, and has it leave: until then it is not told as written.
template <class Buffers>
struct client_stream::writing {
  client_stream& to;
  Buffers from;
  std::size_t taken = 0;
  bool begun = false;

  template <class Self>
  void operator()(Self& self, error_code why = {}, std::size_t n = 0) {
    if (!std::exchange(begun, true)) {
      auto buffers = from;
      if (!to.tls_) return to.socket_.async_write_some(buffers, std::move(self));
      return boost::asio::post(to.get_executor(), std::move(self));
    }
    if (!to.tls_ || why) return self.complete(why, n);
    if (!to.socket_.is_open()) return self.complete(boost::asio::error::operation_aborted, 0);
    if (auto sent = to.tls_->send(pieces()); sent >= 0) {
      taken += static_cast<std::size_t>(sent);
    } else if (errno != EAGAIN) {
      return self.complete(error_code(errno, boost::system::system_category()), taken);
    }
    if (to.tls_->waits()) return to.socket_.async_wait(tcp_socket::wait_write, std::move(self));
    self.complete({}, taken);
  }

  /// What is to be taken; nothing once that is done.
  std::vector<std::string_view> pieces() const {
    std::vector<std::string_view> all;
    if (taken > 0) return all;
    auto end = boost::asio::buffer_sequence_end(from);
    for (auto i = boost::asio::buffer_sequence_begin(from); i != end; ++i) {
      const boost::asio::const_buffer one = *i;
      if (one.size() > 0) all.emplace_back(static_cast<const char*>(one.data()), one.size());
    }
    return all;
  }
};

// Beast's customization points: how a WebSocket of it ends a connection.

template <class Handler>
void async_teardown(boost::beast::role_type role, client_stream& stream, Handler&& handler) {
  if (stream.tls()) stream.tls()->end_sending();
  boost::beast::websocket::async_teardown(role, stream.socket(), std::forward<Handler>(handler));
}

inline void beast_close_socket(client_stream& stream) { stream.close(); }

} // namespace starling::net
