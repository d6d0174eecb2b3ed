#pragma once

#include <atomic>
#include <cstdint>

namespace starling {

/// What the actors of this process count beside what the directory keeps of each of them. Shown on /metrics.
struct actor_counters {
  using counter = std::atomic<std::uint64_t>;

  counter log_reads = 0;            // of rooms that had missed something
  counter log_reads_failed = 0;     // tried again later
  counter gaps_told = 0;            // messages are gone for good: clients were told by room.gap
  counter rooms_restored = 0;       // shards that had come back without a room were told what is known here
  counter early_news_dropped = 0;   // publications beyond what a room keeps until it knows the end of its log
  counter publications_in_vain = 0; // of channels that nobody on this node reads
  counter strangers = 0;            // connections between processes that ended before they were let in

  static actor_counters& instance() {
    static actor_counters all;
    return all;
  }
};

} // namespace starling
