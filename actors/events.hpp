#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace starling {

/// Something that this process has written to its log.
struct event {
  std::uint64_t number = 0; // counts from 1
  std::int64_t unix_ms = 0;
  std::string_view level; // of static storage
  std::string name;       // "shard.down"
  std::string details;    // key=value ...
};

/// Which events.
struct event_query {
  std::uint64_t after = 0;     // only those behind this number
  std::int64_t since_ms = 0;   // only those at or after this time
  std::string_view level = {}; // only this or a worse one; empty: all
  std::string_view name = {};  // only this, or with a '*' at its end those that begin so; empty: all
  std::size_t limit = 100;
  bool oldest_first = false; // of more than `limit`: the oldest, not the newest
};

/// The last events, for whoever looks into the process later than they happened. Any thread may use it.
class event_ring {
public:
  static constexpr std::size_t events_max = 4'096; // beyond: the oldest goes

  static event_ring& instance();

  void add(std::string_view level, std::string_view name, std::string_view details);
  /// The oldest of those behind `number`, at most so many. Begins later than at `number` + 1 if those are gone.
  std::vector<event> after(std::uint64_t number, std::size_t limit) const;
  /// Those that match, the oldest first; and the number of the last that was looked at.
  std::pair<std::vector<event>, std::uint64_t> find(const event_query& what) const;
  /// The number of the newest; 0: there was none.
  std::uint64_t newest() const;

private:
  mutable std::mutex mutex_;
  std::deque<event> events_; // numbered without holes
  std::uint64_t newest_ = 0;
};

} // namespace starling
