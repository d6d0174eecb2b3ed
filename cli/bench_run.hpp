#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/bench_fleet.hpp"
#include "cli/bench_histogram.hpp"
#include "cli/bench_options.hpp"
#include "cli/bench_usage.hpp"

namespace starling::cli {

/// CPU and memory at one moment; none where a process is not there.
struct usage_mark {
  std::optional<process_usage> server;
  std::optional<process_usage> redis;
  std::chrono::microseconds own{0};
  std::chrono::nanoseconds at{0};
};

/// What was seen in one run. Counts of messages and deliveries are of the whole run, the warm-up included, so that
/// nothing lost hides in it; what happened "in the window" was measured after the warm-up, until the last message was
/// due.
struct run_result {
  bool to_floor = false;
  std::size_t clients = 0; // that became ready
  histogram opened_in;
  std::map<std::string, std::uint64_t> ended; // connections that ended before the run did, by why
  std::uint64_t pings = 0;

  std::uint64_t sent = 0;
  std::uint64_t acknowledged = 0;
  std::map<std::int64_t, std::uint64_t> errors; // replies, by code
  std::uint64_t unanswered = 0;
  std::uint64_t unsendable = 0; // due, but no connection took them

  std::uint64_t expected = 0; // deliveries: acknowledged messages times members
  std::uint64_t delivered = 0;
  std::uint64_t lost = 0;
  std::uint64_t lost_by_closed = 0; // of them, at connections that had ended
  std::uint64_t duplicated = 0;
  std::uint64_t out_of_order = 0;
  std::uint64_t gaps_told = 0; // `room.gap`
  bool seqs_bad = false;       // an answer's seq that cannot be

  double wanted_in_window = 0; // deliveries
  std::uint64_t delivered_in_window = 0;
  std::uint64_t acknowledged_in_window = 0;
  histogram latency; // from when a message was due to when a member read it
  histogram answer;  // from when it was due to its acknowledgement
  histogram lag;     // from when it was due to when the generator sent it

  usage_mark before;      // anyone connected
  usage_mark opened;      // all are ready
  usage_mark from, until; // the window
};

/// Runs the scenario once against `endpoints`. `tell` gets a line a second on how it goes.
run_result run_once(const bench_options& options, std::vector<endpoint> endpoints, fleet::target target,
                    const std::vector<pid_t>& server_pids, const std::function<void(const std::string&)>& tell);

} // namespace starling::cli
