#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "chat/api_calls.hpp"

namespace boost::asio {
class io_context;
}
namespace prometheus {
class Collectable;
}

namespace starling::net {

struct api_services;

/// Carries out a call; `done` is called once, on any thread, or never if the process ends.
using api_carrier = std::function<void(api_call, std::function<void(api_outcome)> done)>;

/// Serves the server API: HTTP on a port of its own, for those who show the key.
///
/// A connection asks one call at a time, has 10 s for each and as long to be answered, and may be kept. Beyond 64
/// connections others wait to be accepted.
class api_listener {
public:
  api_listener(boost::asio::io_context& threads, std::string key, api_carrier carrier, const limits& bounds);
  api_listener(const api_listener&) = delete;
  api_listener& operator=(const api_listener&) = delete;
  ~api_listener();

  /// Binds to `where` ("127.0.0.1:7480"; port 0: any free one) and accepts. Returns why it cannot, or nothing.
  std::string start(const std::string& where);
  /// The port it is bound to; 0 before `start`.
  std::uint16_t port() const;
  /// Accepts no more, and asks nothing more of the carrier; answers under way still leave. From any thread, and again.
  void stop();

  /// Answers by status, connections open, and requests that ended without an answer, for `metrics_page`.
  std::shared_ptr<prometheus::Collectable> metrics() const;

private:
  struct acceptor;
  std::shared_ptr<api_services> services_;
  std::shared_ptr<acceptor> acceptor_;
};

} // namespace starling::net
