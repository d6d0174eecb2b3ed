#pragma once

#include <list>

#include "net/services.hpp"

namespace starling::net {

/// Clients that came when the node was full: each is told so, and given a moment to read it. Used on one strand.
class refusals {
public:
  /// Answers 503 and lets go.
  void add(tcp_socket client);
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
