#pragma once

#include <memory>
#include <string>

#include "actors/ports.hpp"
#include "net/redis_counters.hpp"
#include "net/scripts.hpp"

namespace boost::asio {
class io_context;
}

namespace starling::net {

/// The link to a Redis instance over the network: one connection for commands, one for subscriptions.
///
/// It is up when both are connected and authenticated and all scripts are loaded. When the one for commands is lost, or
/// Redis falls silent, both are given up, every call under way is answered "UNAVAILABLE ...", and the link tries again
/// for ever, after waits that grow from `backoff_min` to `backoff_max`, jittered. When only the one for subscriptions
/// is lost, or is silent while calls are answered, it alone is made anew, and commands go on. The same reason for being
/// down is told once. What is subscribed or unsubscribed while the link is down is not done: after `up` the listener
/// subscribes anew.
///
/// Listener and reply handlers run on threads of the `io_context`, one at a time per link, under no lock, and never
/// inside of the function that caused them. They must not throw.
class hiredis_link : public redis_link {
public:
  /// May be read by any thread.
  virtual const redis_counters& counters() const = 0;
  /// A command of Redis' own (INFO ...), in the order of the calls and answered as these are. Not what would change how
  /// the connection works.
  virtual void command(std::vector<std::string> words, reply_handler done) = 0;
};

/// `shard.address` is as `parse_redis_address` reads it; any other never gets up, and says so. The link stops when the
/// last pointer to it goes, which must be before `io` does.
std::shared_ptr<hiredis_link> make_redis_link(boost::asio::io_context& io, const shard_settings& shard,
                                              const redis_settings& settings, std::string password,
                                              std::shared_ptr<const script_set> scripts);

} // namespace starling::net
