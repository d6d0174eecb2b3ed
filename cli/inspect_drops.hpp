#pragma once

#include "actors/inspector.hpp"
#include "net/listener.hpp"
#include "net/redis_metrics.hpp"

namespace starling::cli {

/// Answers "drops": what became of the frames to this node's clients, and what else was refused or lost here.
///
///     {frames: {accepted, delivered, waiting, dropped: {half_full, full, closed}, difference},
///      requests_refused, connections_refused: {limit, accept_error, address, origin, barred},
///      sessions_refused: {refused, timed_out, put_off, barred},
///      rooms: {early_news_dropped, publications_in_vain, gaps_told, log_reads_failed},
///      redis: {<shard>: {refused, failures, timeouts}}}
///
/// `difference` is accepted less the three others: 0, but for frames that were under way while it was counted.
inspector_command drops_command(const net::listener& clients, std::shared_ptr<const net::redis_metrics> links);

} // namespace starling::cli
