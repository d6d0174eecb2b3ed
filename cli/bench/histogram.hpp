#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace starling::cli {

/// Counts durations in buckets that grow with the value: 64 to each power of two of nanoseconds, 30 KB in all however
/// much is added. A percentile is told at most 1/64 (1.6 %) too high, never too low; the maximum is exact.
class histogram {
public:
  /// Negative durations count as 0.
  void add(std::chrono::nanoseconds value);

  std::uint64_t count() const { return count_; }
  std::chrono::nanoseconds max() const { return max_; }
  /// The value that the share `q` (0..1) of all does not exceed; 0 if there are none.
  std::chrono::nanoseconds percentile(double q) const;

private:
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::chrono::nanoseconds max_{0};
};

} // namespace starling::cli
