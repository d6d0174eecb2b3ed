#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace starling::cli {

/// What processes used since they started (CPU) and hold now (memory).
struct process_usage {
  std::chrono::microseconds cpu{0}; // user and system; the kernel counts in steps of 10 ms
  std::uint64_t rss_bytes = 0;
};

/// The sum over `pids`, from /proc; none if one of them is not there (any more).
std::optional<process_usage> usage_of(const std::vector<pid_t>& pids);

/// The CPU time that this process used.
std::chrono::microseconds own_cpu();

} // namespace starling::cli
