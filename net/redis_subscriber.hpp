#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "actors/ports.hpp"
#include "net/redis_commands.hpp"
#include "net/redis_connection.hpp"
#include "net/redis_counters.hpp"

namespace starling::net {

/// The subscription connection of a link: subscribes in batches, gathers what one turn of the loop brings, and finds
/// out when Redis falls silent.
///
/// It always subscribes to one channel on which nobody speaks. To subscribe to it again is the ping, and the
/// confirmation its answer: the reply to PING is not one that hiredis 0.14 can tell from a publication (it looks its
/// callback up by the pong's second element, and runs the one of the reply before). It also keeps hiredis from leaving
/// its subscribed state, in which alone it understands the confirmations.
class redis_subscriber final : public redis_connection_user {
public:
  static constexpr std::string_view probe_channel = "starling:probe";

  redis_subscriber(redis_connection::strand on, std::weak_ptr<void> owner, std::size_t channels_per_command,
                   redis_listener& listener, redis_counters& counters, redis_half_events events);
  ~redis_subscriber() override;

  void open(const redis_address& where, const redis_credentials& who);
  void subscribe(std::span<const std::string> channels) { in_batches("SUBSCRIBE", channels); }
  void unsubscribe(std::span<const std::string> channels) { in_batches("UNSUBSCRIBE", channels); }
  void flush() { connection_->flush(); }
  void close() { connection_->close(); }
  /// To be called once per `redis_settings::silence`: sends a probe if nothing has come since the last time. False if
  /// `missed_max` of them in a row have found no answer.
  bool probe(unsigned missed_max);

  void ready() override;
  void replied(const redisReply& what) override;
  void turn_ended() override;
  void closed(const std::string& reason) override { events_.lost(reason); }

private:
  void in_batches(std::string_view command, std::span<const std::string> channels);

  const std::size_t channels_per_command_;
  redis_listener& listener_;
  redis_counters& counters_;
  redis_half_events events_;
  std::shared_ptr<redis_connection> connection_;
  std::vector<std::string> confirmed_; // in this turn
  std::vector<publication> arrived_;   // in this turn
  bool ready_ = false;
  bool heard_ = false;  // anything, since the last `probe`
  unsigned missed_ = 0; // probes without an answer
  std::vector<std::string_view> words_;
};

} // namespace starling::net
