#pragma once

#include <sys/types.h>

#include "cli/bench/endpoint.hpp"

namespace starling::cli {

/// The floor: the least server that could carry the load, in a child process, for as long as this object lives.
class floor_server {
public:
  /// Starts it on a free port of 127.0.0.1; `running()` tells whether that worked.
  floor_server();
  ~floor_server();
  floor_server(const floor_server&) = delete;
  floor_server& operator=(const floor_server&) = delete;

  bool running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  const endpoint& where() const { return where_; }

private:
  pid_t pid_ = -1;
  endpoint where_;
};

} // namespace starling::cli
