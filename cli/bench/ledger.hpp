#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

/// Whether everything that was acknowledged arrived, at each connection, once and in order.
namespace starling::cli {

/// The acknowledged messages of one room, by seq.
class acknowledged {
public:
  /// Seqs before `first` are of no interest.
  explicit acknowledged(std::uint64_t first = 1) : first_(first) {}

  /// Returns false if `seq` lies before `first` or more than ten million after it: no answer that can be true.
  bool add(std::uint64_t seq);
  /// How many there are from `from` on, before `to`.
  std::uint64_t count(std::uint64_t from, std::uint64_t to = UINT64_MAX) const;

private:
  std::uint64_t first_;
  std::vector<bool> seqs_;
};

enum class arrival : std::uint8_t {
  next,      // in order, maybe after a hole
  late,      // fills a hole that it left: out of order
  duplicate, // came before
};

/// The seqs of one room that arrived at one connection: all up to the highest, but for holes. There are no more holes
/// than messages sent in the run, which bounds them.
class arrivals {
public:
  /// What arrives is counted from here on.
  void start(std::uint64_t next) {
    first_ = next_ = next;
    holes_.clear();
  }
  arrival add(std::uint64_t seq);
  std::uint64_t next() const { return next_; }
  /// How many acknowledged messages never came.
  std::uint64_t lost(const acknowledged& sent) const;

private:
  std::uint64_t first_ = 1;
  std::uint64_t next_ = 1;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> holes_; // first and last seq of each
};

} // namespace starling::cli
