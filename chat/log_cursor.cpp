#include "chat/log_cursor.hpp"

namespace starling {
namespace {

bool newer(log_position a, log_position b) { return a.epoch != b.epoch ? a.epoch > b.epoch : a.seq > b.seq; }

} // namespace

std::vector<log_cursor::step> log_cursor::offer(log_entry entry) {
  std::vector<step> out;
  if (!newer(entry.at, last_)) return out; // seen already
  if (entry.at.epoch == last_.epoch && entry.at.seq == last_.seq + 1) {
    take(std::move(entry), out);
    take_early(out);
    return out;
  }
  behind_ = true;
  if (early_.size() < early_max) early_.emplace(std::pair{entry.at.epoch, entry.at.seq}, std::move(entry));
  return out;
}

std::vector<log_cursor::step> log_cursor::fill(std::vector<log_entry> entries, log_position tail, bool complete) {
  std::vector<step> out;
  for (auto& entry : entries)
    if (newer(entry.at, last_)) take(std::move(entry), out);
  if (complete && newer(tail, last_)) {
    // The log has been further than anything that it still holds.
    out.push_back({log_gap{tail.epoch, first_missing(tail.seq), tail.seq}, {}});
    last_ = tail;
  }
  behind_ = !complete;
  take_early(out);
  if (!early_.empty()) behind_ = true;
  return out;
}

void log_cursor::saw(log_position tail) {
  if (newer(tail, last_)) behind_ = true;
}

seq_number log_cursor::first_missing(seq_number to) const { return to >= last_.seq ? last_.seq + 1 : 1; }

void log_cursor::take(log_entry entry, std::vector<step>& out) {
  step next;
  bool epoch_begins = entry.at.epoch != last_.epoch;
  if (epoch_begins || entry.at.seq != last_.seq + 1)
    next.gap = log_gap{entry.at.epoch, first_missing(entry.at.seq - 1), entry.at.seq - 1};
  last_ = entry.at;
  next.entry = std::move(entry);
  out.push_back(std::move(next));
}

void log_cursor::take_early(std::vector<step>& out) {
  while (!early_.empty()) {
    auto first = early_.begin();
    auto at = first->second.at;
    if (newer(at, last_) && !(at.epoch == last_.epoch && at.seq == last_.seq + 1)) return;
    if (newer(at, last_)) take(std::move(first->second), out);
    early_.erase(first);
  }
}

} // namespace starling
