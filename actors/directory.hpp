#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace starling {

/// What can be seen of an actor from outside without asking it. The counters are written by the actor's own thread and
/// by its senders, and read by anybody.
struct actor_record {
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

  void add(const std::shared_ptr<actor_record>& record);
  void remove(std::uint64_t id);
  void for_each(const std::function<void(const actor_record&)>& look) const;
  std::size_t count(std::string_view kind) const;

  /// Restarts of supervised actors, by kind.
  void note_restart(const std::string& kind);
  std::uint64_t restarts() const { return restarts_; }

private:
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::shared_ptr<actor_record>> records_;
  std::atomic<std::uint64_t> restarts_{0};
};

} // namespace starling
