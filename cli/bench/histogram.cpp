#include "cli/bench/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace starling::cli {

namespace {

constexpr unsigned sub_bits = 6;
constexpr std::uint64_t sub_buckets = 1u << sub_bits;

// The first 64 buckets hold one value each; from there on, each power of two is cut in 64.
std::size_t bucket_of(std::uint64_t value) {
  if (value < sub_buckets) return value;
  auto shift = static_cast<unsigned>(std::bit_width(value)) - sub_bits - 1;
  return (shift + 1) * sub_buckets + (value >> shift) - sub_buckets;
}

std::uint64_t highest_in(std::size_t bucket) {
  if (bucket < sub_buckets) return bucket;
  auto shift = bucket / sub_buckets - 1;
  return ((bucket % sub_buckets + sub_buckets + 1) << shift) - 1;
}

} // namespace

void histogram::add(std::chrono::nanoseconds value) {
  value = std::max(value, std::chrono::nanoseconds{0});
  auto bucket = bucket_of(static_cast<std::uint64_t>(value.count()));
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  ++buckets_[bucket];
  ++count_;
  max_ = std::max(max_, value);
}

std::chrono::nanoseconds histogram::percentile(double q) const {
  if (count_ == 0) return std::chrono::nanoseconds{0};
  auto wanted = std::max(std::uint64_t{1}, static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= wanted) return std::min(max_, std::chrono::nanoseconds{highest_in(i)});
  }
  return max_;
}

} // namespace starling::cli
