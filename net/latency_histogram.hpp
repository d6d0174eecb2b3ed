#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace starling::net {

/// How long things took, counted in buckets of fixed bounds: one below 16 us, then four to each doubling, so that what
/// is read from it is at most a quarter too high; the last takes all from 16 s on. One thread writes, any reads.
class latency_histogram {
public:
  static constexpr std::size_t bucket_count = 1 + 4 * 20;
  using numbers = std::array<std::uint64_t, bucket_count>;

  void add(std::uint64_t us) {
    auto& bucket = buckets_[index_of(us)];
    bucket.store(bucket.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  numbers counts() const {
    numbers result;
    for (std::size_t i = 0; i < bucket_count; ++i)
      result[i] = buckets_[i].load(std::memory_order_relaxed);
    return result;
  }

  static constexpr std::size_t index_of(std::uint64_t us) {
    if (us < 16) return 0;
    const auto doubling = static_cast<std::size_t>(std::bit_width(us)) - 1; // from 4
    const auto quarter = static_cast<std::size_t>(us >> (doubling - 2)) & 3;
    const auto index = 1 + (doubling - 4) * 4 + quarter;
    return index < bucket_count ? index : bucket_count - 1;
  }
  /// The first number above those of the bucket.
  static constexpr std::uint64_t bound_us(std::size_t index) {
    if (index == 0) return 16;
    const auto doubling = 4 + (index - 1) / 4;
    return (std::uint64_t{1} << doubling) + ((index - 1) % 4 + 1) * (std::uint64_t{1} << (doubling - 2));
  }

private:
  std::array<std::atomic<std::uint64_t>, bucket_count> buckets_{};
};

/// Below what so many of those that were counted lie (0.99: all but one of a hundred); 0 if nothing was counted.
inline std::uint64_t quantile_us(std::span<const std::uint64_t> counts, double share) {
  std::uint64_t total = 0;
  for (auto count : counts)
    total += count;
  std::uint64_t passed = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    passed += counts[i];
    if (counts[i] > 0 && static_cast<double>(passed) >= share * static_cast<double>(total))
      return latency_histogram::bound_us(i);
  }
  return 0;
}

} // namespace starling::net
