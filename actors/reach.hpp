#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include <boost/asio/io_context.hpp>

namespace starling {

struct reached {
  std::string address; // numeric, of the host; empty: nobody listens
  std::string error;   // why not, for people
};

/// Connects to host and port and hangs up at once, to see whether somebody listens. Calls `done` exactly once, from a
/// thread of `io`, at the latest after `deadline`; never, if `io` is stopped before.
///
/// The middleman resolves and connects blocking, with all its other connections waiting meanwhile; so it is only given
/// addresses that have just been seen to answer.
void reach(boost::asio::io_context& io, const std::string& host, std::uint16_t port, std::chrono::milliseconds deadline,
           std::function<void(reached)> done);

} // namespace starling
