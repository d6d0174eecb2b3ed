#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/role.hpp>

#include "net/services.hpp"

namespace starling::net {

/// The stream under Beast's `websocket::stream`.
///
/// Reads come from the socket; before them, what was read together with the upgrade request. Writes (the handshake,
/// pongs, closes) go as whole frames to where all other frames go, so that they leave in one order with frames that
/// Beast never sees.
template <class Sink>
class wire {
public:
  using executor_type = tcp_socket::executor_type;

  wire(tcp_socket socket, std::string early, Sink sink)
      : socket_(std::move(socket)), early_(std::move(early)), sink_(sink) {}

  executor_type get_executor() { return socket_.get_executor(); }
  tcp_socket& socket() { return socket_; }

  template <class Buffers, class Handler>
  auto async_read_some(const Buffers& into, Handler&& handler) {
    return boost::asio::async_initiate<Handler, void(boost::system::error_code, std::size_t)>(
        [this](auto then, const Buffers& buffers) {
          if (early_.empty()) return socket_.async_read_some(buffers, std::move(then));
          auto n = boost::asio::buffer_copy(buffers, boost::asio::buffer(early_));
          early_.erase(0, n);
          if (early_.empty()) early_.shrink_to_fit();
          complete(std::move(then), n);
        },
        handler, into);
  }

  template <class Buffers, class Handler>
  auto async_write_some(const Buffers& from, Handler&& handler) {
    return boost::asio::async_initiate<Handler, void(boost::system::error_code, std::size_t)>(
        [this](auto then, const Buffers& buffers) {
          std::string bytes(boost::asio::buffer_size(buffers), '\0');
          boost::asio::buffer_copy(boost::asio::buffer(bytes), buffers);
          auto n = bytes.size();
          sink_(std::move(bytes));
          complete(std::move(then), n);
        },
        handler, from);
  }

private:
  template <class Handler>
  void complete(Handler then, std::size_t n) {
    boost::asio::post(get_executor(),
                      boost::beast::bind_front_handler(std::move(then), boost::system::error_code{}, n));
  }

  tcp_socket socket_;
  std::string early_;
  Sink sink_;
};

// Beast's customization points. Ending a socket needs more than Beast knows (what still waits in the outbox), so here
// these do nothing; `websocket` sees the end as the result of its read.

template <class Sink, class Handler>
void async_teardown(boost::beast::role_type, wire<Sink>& stream, Handler&& handler) {
  boost::asio::post(stream.get_executor(),
                    boost::beast::bind_front_handler(std::forward<Handler>(handler), boost::system::error_code{}));
}

template <class Sink>
void beast_close_socket(wire<Sink>&) {}

} // namespace starling::net
