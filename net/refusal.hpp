#pragma once

#include <list>

#include "net/metrics.hpp"
#include "net/services.hpp"

namespace starling::net {

/// Clients that came when the node was full, or had too many of their address: each is told so, and given a moment to
/// read it. Used on one strand.
class refusals {
public:
  /// Answers 503, or 429 if it is for its address, and lets go.
  void add(tcp_socket client, refusal why);
  /// Closes those whose moment is over.
  void turn(steady_time now);

private:
  struct one {
    tcp_socket socket;
    steady_time until;
  };
  std::list<one> waiting_;
};

} // namespace starling::net
