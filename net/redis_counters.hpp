#pragma once

#include <atomic>
#include <cstdint>

#include "net/latency_histogram.hpp"

namespace starling::net {

/// What a link has done since it was made. Written by the link, read by whoever wants to know.
struct redis_counters {
  using number = std::atomic<std::uint64_t>;

  number calls = 0;             // asked for
  number waiting = 0;           // calls without an answer now
  number answers = 0;           // that Redis gave, errors of scripts included
  number failures = 0;          // calls that got no answer: the link was down, or was lost
  number refused = 0;           // calls beyond `commands_waiting`
  number timeouts = 0;          // connections given up since an answer or a probe was overdue
  number reconnects = 0;        // attempts to connect after the first
  number script_loads = 0;      // times that Redis had forgotten the scripts
  number publications = 0;      // that came
  number bytes_published = 0;   // their payloads
  number channels = 0;          // subscribed now, as Redis counts them
  number round_trip_us_sum = 0; // of all `answers`, from the write to the answer
  number round_trip_us_max = 0;
  latency_histogram round_trips; // the same, one by one
};

} // namespace starling::net
