#pragma once

#include "actors/inspector.hpp"
#include "actors/node_status.hpp"
#include "actors/shard_door.hpp"
#include "net/redis_metrics.hpp"

namespace starling::cli {

/// Answers "shards": this node's links to the shards, and what Redis says of itself.
///
///     {at_us, epoch,
///      shards: [{name, address, state, reason, slots, fair,
///                calls, waiting, answers, failures, refused, timeouts, reconnects, subscriptions, publications,
///                published_bytes, p50_us, p99_us, round_trips: [counts],
///                redis: {version, memory_bytes, clients} or {error}}]}
///
/// Numbers count from the start of the link, `at_us` is this process' clock: two answers make rates. `round_trips` are
/// the buckets of `latency_histogram`. A shard in memory ("memory:") has no link, and nothing of what it would count.
inspector_command shards_command(std::shared_ptr<const node_status> status,
                                 std::shared_ptr<const net::redis_metrics> links, shard_door_actor door);

/// Carries questions to the links.
shard_question ask_links(std::shared_ptr<const net::redis_metrics> links);

} // namespace starling::cli
