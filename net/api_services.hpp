#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <mutex>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>

#include "net/api_listener.hpp"

namespace starling::net {

/// What the connections of the server API share.
struct api_services {
  /// The statuses that the API answers with; whatever else it might be is counted behind them.
  static constexpr std::array statuses{200, 201, 400, 401, 403, 404, 405, 409, 411, 413, 415, 429, 431, 500, 503};

  const std::string key;
  const struct limits limits;
  std::array<std::atomic<std::uint64_t>, statuses.size() + 1> answers{};
  std::atomic<std::uint64_t> unanswered = 0;    // requests whose client went, or was too slow
  std::atomic<std::uint64_t> accept_errors = 0; // no descriptors or memory: the listener paused
  std::atomic<std::size_t> open = 0;
  std::function<void()> place_free; // a connection has ended; set before the first begins

  api_services(std::string the_key, api_carrier with, const struct limits& bounds)
      : key(std::move(the_key)), limits(bounds), carrier_(std::move(with)) {}

  /// False once it is stopped.
  bool ask(api_call call, std::function<void(api_outcome)> done) {
    std::unique_lock lock(mutex_);
    auto carrier = carrier_;
    lock.unlock();
    if (carrier) carrier(std::move(call), std::move(done));
    return carrier != nullptr;
  }
  void stop() {
    std::lock_guard lock(mutex_);
    carrier_ = nullptr; // it knows actors, which end before the last connection does
  }
  void count(int status);

private:
  std::mutex mutex_;
  api_carrier carrier_;
};

using api_strand = boost::asio::strand<boost::asio::io_context::executor_type>;
using api_socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, api_strand>;

/// Serves a connection until it ends; it keeps itself alive, and gives its place back.
void start_api_connection(std::shared_ptr<api_services> uses, api_socket socket);

} // namespace starling::net
