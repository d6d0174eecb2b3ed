#include "net/redis_subscriber.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <hiredis/hiredis.h>

namespace starling::net {

namespace {

std::string_view text_of(const redisReply& reply) {
  return reply.str ? std::string_view(reply.str, reply.len) : std::string_view();
}

} // namespace

redis_subscriber::redis_subscriber(redis_connection::strand on, std::weak_ptr<void> owner,
                                   std::size_t channels_per_command, redis_listener& listener, redis_counters& counters,
                                   redis_half_events events)
    : channels_per_command_(std::max<std::size_t>(channels_per_command, 1)), listener_(listener), counters_(counters),
      events_(std::move(events)),
      connection_(std::make_shared<redis_connection>(std::move(on), *this, std::move(owner))) {}

redis_subscriber::~redis_subscriber() { connection_->close(); }

void redis_subscriber::open(const redis_address& where, const redis_credentials& who) { connection_->open(where, who); }

bool redis_subscriber::probe(unsigned missed_max) {
  if (std::exchange(heard_, false)) {
    missed_ = 0;
    return true;
  }
  if (missed_ >= missed_max) return false;
  ++missed_;
  connection_->command(std::array<std::string_view, 2>{"SUBSCRIBE", probe_channel});
  connection_->flush();
  return true;
}

void redis_subscriber::ready() { connection_->command(std::array<std::string_view, 2>{"SUBSCRIBE", probe_channel}); }

void redis_subscriber::replied(const redisReply& what) {
  heard_ = true;
  if (what.type == REDIS_REPLY_ERROR) { // no permission for the channel, for one
    connection_->fail("SUBSCRIBE: " + std::string(text_of(what)));
    return;
  }
  if (what.type != REDIS_REPLY_ARRAY || what.elements != 3) return;
  const auto kind = text_of(*what.element[0]), channel = text_of(*what.element[1]);
  if (kind == "message") {
    const auto payload = text_of(*what.element[2]);
    ++counters_.publications;
    counters_.bytes_published += payload.size();
    if (channel != probe_channel) arrived_.push_back({std::string(channel), std::string(payload)});
    return;
  }
  const auto channels = std::max(what.element[2]->integer, 1LL) - 1; // all but the probe's
  counters_.channels = static_cast<std::uint64_t>(channels);
  if (kind != "subscribe") return;
  if (channel != probe_channel)
    confirmed_.emplace_back(channel);
  else if (!std::exchange(ready_, true))
    events_.ready();
}

void redis_subscriber::turn_ended() {
  if (!confirmed_.empty()) listener_.subscribed(std::exchange(confirmed_, {}));
  if (!arrived_.empty()) listener_.published(std::exchange(arrived_, {}));
}

void redis_subscriber::in_batches(std::string_view command, std::span<const std::string> channels) {
  while (!channels.empty()) {
    const auto batch = channels.first(std::min(channels.size(), channels_per_command_));
    words_.assign({command});
    words_.insert(words_.end(), batch.begin(), batch.end());
    connection_->command(words_);
    channels = channels.subspan(batch.size());
  }
}

} // namespace starling::net
