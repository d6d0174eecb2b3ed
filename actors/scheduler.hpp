#pragma once

#include <boost/asio/io_context.hpp>
#include <caf/actor_system_config.hpp>

namespace starling {

/// Makes an actor system run its actors on the threads of `io`, the same that serve sockets and Redis: a message from a
/// socket to an actor to a socket changes no thread, and nobody sleeps while there is work. The threads
/// (`scheduler.max-threads` of them) are started with the system and joined when it ends; `io` must outlive it.
void use_asio_scheduler(caf::actor_system_config& config, boost::asio::io_context& io);

} // namespace starling
