#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "chat/store.hpp"

namespace starling {

/// Messages that are gone for good: trimmed from the log before anybody here saw them, or lost with a Redis.
struct log_gap {
  std::uint64_t epoch = 0;
  seq_number from = 0;
  seq_number to = 0; // both included; `to` < `from`: a newer epoch has begun, nothing of it is missing
};

/// What a room has delivered of its log, and in which order it must go on.
///
/// Publications are hints: each may be late, doubled or lost. The cursor lets through what comes next, keeps what came
/// too early (at most `early_max`, the rest is read from the log), and says from where the log must be read.
class log_cursor {
public:
  /// One thing to tell the members, in order.
  struct step {
    std::optional<log_gap> gap; // first
    std::optional<log_entry> entry;
  };

  explicit log_cursor(log_position start = {}) : last_(start) {}

  log_position last() const { return last_; }

  /// Takes a publication; returns what may be told now.
  std::vector<step> offer(log_entry entry);

  /// Takes what the log holds after `last()`, read while the log ended at `tail`. `complete`: nothing further was left
  /// out.
  std::vector<step> fill(std::vector<log_entry> entries, log_position tail, bool complete);

  /// Is the log known to be further than `last()`? Then it must be read from there.
  bool behind() const { return behind_; }

  /// The log was seen to end at `tail`.
  void saw(log_position tail);

private:
  static constexpr std::size_t early_max = 256;

  /// Where a gap that ends with `to` begins. A newer epoch goes on behind the old one's numbers where somebody still
  /// knew them, else it begins anew with 1.
  seq_number first_missing(seq_number to) const;
  void take(log_entry entry, std::vector<step>& out);
  void take_early(std::vector<step>& out);

  log_position last_;
  bool behind_ = false;
  std::map<std::pair<std::uint64_t, seq_number>, log_entry> early_;
};

} // namespace starling
