#pragma once

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace starling::cli {

/// How to tell from outside that a process does its work.
struct ready_check {
  enum class kind : std::uint8_t {
    none,    // as soon as it runs
    listens, // it takes connections
    redis,   // it answers PING with PONG
    http,    // it answers GET `path` with 200
  };
  kind how = kind::none;
  std::uint16_t port = 0; // on 127.0.0.1
  std::string path;       // http only: "/readyz"
};

/// One attempt. Answers why the process is not ready; empty: it is. Takes no longer than `within`.
boost::asio::awaitable<std::string> check_ready(ready_check what, std::chrono::milliseconds within);

} // namespace starling::cli
