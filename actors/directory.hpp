#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include <caf/actor_control_block.hpp>

#include "actors/actor_record.hpp"

namespace starling {

/// What became of an actor that did not end in order, and of those that were started in its place.
struct actor_failures {
  std::uint64_t count = 0;
  std::string last; // the reason
  std::chrono::system_clock::time_point at;
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

  /// The actor with this id; null: there is none, or it is just ending.
  caf::strong_actor_ptr find(std::uint64_t id) const;

  /// A supervised actor has failed and will be started again.
  void note_restart(const std::string& kind);
  std::uint64_t restarts() const { return restarts_; }

  /// An actor has ended, not in order.
  void note_failure(const std::string& kind, const std::string& name, std::string reason);
  /// Of the actors of that kind and name, one after the other.
  actor_failures failures_of(const std::string& kind, const std::string& name) const;

private:
  /// Several, so that those who look at all hold up few of those who come and go.
  struct part {
    mutable std::mutex mutex;
    boost::intrusive::list<actor_record> records; // oldest first
  };
  part& part_of(const actor_record& record) { return parts_[record.id % parts_.size()]; }

  static constexpr std::size_t failures_max = 1'000; // names; beyond: not kept by name, but counted in `restarts`

  std::array<part, 16> parts_;
  mutable std::mutex failures_mutex_;
  std::map<std::pair<std::string, std::string>, actor_failures> failures_; // by kind and name
  std::atomic<std::uint64_t> restarts_{0};
};

} // namespace starling
