#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include <boost/intrusive/list.hpp>

namespace starling {

/// What can be seen of an actor from outside without asking it; a part of the actor itself. The counters are written by
/// the actor's own thread and by its senders, and read by anybody.
struct actor_record : boost::intrusive::list_base_hook<> {
  std::uint64_t id = 0;
  const char* kind = ""; // session, room, shard ...
  std::string name;      // of the user, room, shard ...
  std::chrono::system_clock::time_point started;
  std::atomic<std::uint64_t> received{0};
  std::atomic<std::uint64_t> handled{0};
  std::atomic<std::uint64_t> busy_ns{0};       // in handlers, all together
  std::atomic<std::uint64_t> longest_ns{0};    // one handler
  std::atomic<std::int64_t> handling_since{0}; // steady clock, ns; 0: idle
  std::uint64_t waiting() const { return received - handled; }
};

/// All actors of this process: what a console lists, and what tests look into.
class actor_directory {
public:
  static actor_directory& instance();

  /// Whoever adds a record removes it before its end. What `for_each` looks at stands in the directory until `add` or
  /// `remove` changes it, nothing longer.
  void add(actor_record& record);
  void remove(actor_record& record);
  /// Actors that begin or end meanwhile wait: `look` must be short.
  void for_each(const std::function<void(const actor_record&)>& look) const;
  std::size_t count(std::string_view kind) const;

  /// Restarts of supervised actors, by kind.
  void note_restart(const std::string& kind);
  std::uint64_t restarts() const { return restarts_; }

private:
  /// Several, so that those who look at all hold up few of those who come and go.
  struct part {
    mutable std::mutex mutex;
    boost::intrusive::list<actor_record> records; // oldest first
  };
  part& part_of(const actor_record& record) { return parts_[record.id % parts_.size()]; }

  std::array<part, 16> parts_;
  std::atomic<std::uint64_t> restarts_{0};
};

} // namespace starling
