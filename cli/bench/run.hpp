#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/bench/endpoint.hpp"
#include "cli/bench/histogram.hpp"
#include "cli/bench/metrics.hpp"
#include "cli/bench/options.hpp"
#include "cli/bench/redis.hpp"
#include "cli/bench/usage.hpp"

namespace starling::cli {

/// CPU and memory at one moment; none where a process is not there.
struct usage_mark {
  std::optional<process_usage> server;
  std::optional<process_usage> redis;
  std::optional<command_calls> redis_calls;
  std::optional<publication_counts> publications;
  std::chrono::microseconds own{0};
  std::chrono::nanoseconds behind{0}; // of the generator, see `fleet`
  std::chrono::nanoseconds late{0};   // likewise
  std::chrono::nanoseconds at{0};
};

/// What was seen of one stream of messages.
struct stream_result {
  std::string name;    // empty if there is no other
  bool urgent = false; // see `stream`
  std::uint64_t sent = 0;
  double wanted_in_window = 0; // deliveries
  std::uint64_t delivered_in_window = 0;
  histogram latency; // from when a message was due to when a member read it
  histogram answer;  // from when it was due to its acknowledgement
};

/// What became of those who stopped to read.
struct stalled_result {
  std::uint64_t clients = 0;       // ready, and then stalled
  std::uint64_t closed = 0;        // by the server
  std::uint64_t told_too_slow = 0; // of them, with close code 4008
};

/// What observers were told of users who dropped and came back. A word is what one observer was told of one user.
struct storm_result {
  std::size_t words = 0;
  std::size_t untold_before = 0; // the answer to presence.watch said nothing: then no word is right too
  std::size_t wrong_before = 0;
  std::uint64_t told_offline = 0, told_online = 0; // notifications since the first drop
  std::uint64_t failed_returns = 0;                // connections that could not be made, or ended; tried again
  std::uint64_t observers_ended = 0;
  std::size_t not_back = 0;                            // in the end
  std::size_t wrong = 0;                               // in the end
  std::size_t asked = 0;                               // states that presence.get told in the end
  std::optional<std::size_t> asked_wrong;              // of them; none: cannot be asked
  std::optional<std::chrono::nanoseconds> back_after;  // the first drop, all were ready again
  std::optional<std::chrono::nanoseconds> right_after; // the first drop, all words were right, and stayed so
  histogram back_in;                                   // from connect to ready
};

/// What was seen in one run. Counts of messages and deliveries are of the whole run, the warm-up included, so that
/// nothing lost hides in it; what happened "in the window" was measured after the warm-up, until the last message was
/// due.
struct run_result {
  protocol spoken = protocol::starling;
  std::size_t clients_wanted = 0;
  std::size_t clients = 0; // that became ready
  histogram opened_in;
  std::map<std::string, std::uint64_t> ended; // connections that ended before the run did, by why
  std::uint64_t pings = 0;
  std::uint64_t put_off = 0; // attempts to open a session, by close code 4013

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
  bool numbers_bad = false;    // an answer's seq that cannot be, or a message without a number

  std::uint64_t acknowledged_in_window = 0;
  std::vector<stream_result> streams;
  histogram lag; // from when something was due to when the generator did it
  stalled_result stalled;
  std::optional<storm_result> storm;

  usage_mark before;                 // anyone connected
  usage_mark opened;                 // all are ready
  usage_mark from, until;            // the window; in a storm, from the first drop until all is right
  std::uint64_t server_rss_peak = 0; // bytes; looked at ten times a second
};

using teller = std::function<void(const std::string&)>;

/// Who else is asked at the window's begin and end; null: nobody.
struct probes {
  redis_probe* redis = nullptr;
  metrics_probe* metrics = nullptr;
};

/// Runs the scenario once against `endpoints`, which speak `spoken`. `tell` gets a line a second on how it goes.
run_result run_once(const bench_options& options, std::vector<endpoint> endpoints, protocol spoken,
                    const std::vector<pid_t>& server_pids, const teller& tell, const probes& others = {});

} // namespace starling::cli
