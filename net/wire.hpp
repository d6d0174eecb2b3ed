#pragma once

#include <string>
#include <utility>

#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/role.hpp>

#include "net/services.hpp"

namespace starling::net {

/// The stream under Beast's `websocket::stream` while that answers the upgrade request, which is all that it does for
/// us: what it writes goes where all frames go, and it never reads.
template <class Sink>
class wire {
public:
  using executor_type = strand;

  wire(executor_type on, Sink sink) : executor_(std::move(on)), sink_(sink) {}

  executor_type get_executor() { return executor_; }

  template <class Buffers, class Handler>
  auto async_read_some(const Buffers&, Handler&& handler) {
    return boost::asio::async_initiate<Handler, void(boost::system::error_code, std::size_t)>(
        [this](auto then) { this->complete(std::move(then), boost::asio::error::operation_not_supported, 0); },
        handler);
  }

  template <class Buffers, class Handler>
  auto async_write_some(const Buffers& from, Handler&& handler) {
    return boost::asio::async_initiate<Handler, void(boost::system::error_code, std::size_t)>(
        [this](auto then, const Buffers& buffers) {
          std::string bytes(boost::asio::buffer_size(buffers), '\0');
          boost::asio::buffer_copy(boost::asio::buffer(bytes), buffers);
          auto n = bytes.size();
          sink_(std::move(bytes));
          this->complete(std::move(then), {}, n);
        },
        handler, from);
  }

private:
  template <class Handler>
  void complete(Handler then, boost::system::error_code why, std::size_t n) {
    boost::asio::post(executor_, boost::beast::bind_front_handler(std::move(then), why, n));
  }

  executor_type executor_;
  Sink sink_;
};

// Beast's customization points: the socket is not Beast's to end.

template <class Sink, class Handler>
void async_teardown(boost::beast::role_type, wire<Sink>& stream, Handler&& handler) {
  boost::asio::post(stream.get_executor(),
                    boost::beast::bind_front_handler(std::forward<Handler>(handler), boost::system::error_code{}));
}

template <class Sink>
void beast_close_socket(wire<Sink>&) {}

} // namespace starling::net
