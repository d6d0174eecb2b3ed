#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <typeinfo>

#include <boost/intrusive/list.hpp>

namespace caf {
class abstract_actor;
}

namespace starling {

/// The type of a message: one word, so that an actor can say at any time what it is handling. 0: none.
using message_type = std::uintptr_t;

/// For people: "room_post".
std::string name_of(message_type type);

/// Milliseconds of the steady clock, good to some four of them and cheap to read; starts anew after 49 days.
std::uint32_t coarse_ms();

/// What is known of an actor beyond its counters: made when it has handled its 32nd message, so that the many who say
/// little cost little.
struct actor_detail {
  static constexpr std::uint64_t made_at = 32;
  static constexpr std::size_t recent_max = 16;
  static constexpr std::size_t arrivals_max = 256;
  static constexpr std::size_t durations_max = 24;

  struct handled_message {
    std::atomic<message_type> type{0};
    std::atomic<std::uint32_t> at{0}; // coarse_ms
    std::atomic<std::uint32_t> took_us{0};
  };

  std::array<handled_message, recent_max> recent;                  // by the number of the message
  std::array<std::atomic<std::uint32_t>, arrivals_max> arrivals{}; // coarse_ms, by the number of the message
  /// Handlers by the time that they took: the first up to 512 ns, each further one up to twice as long, the last any.
  std::array<std::atomic<std::uint32_t>, durations_max> durations{};

  static std::size_t duration_index(std::uint64_t took_ns);
  static std::uint64_t duration_bound_ns(std::size_t index); // of a bucket, its upper end
};

/// What can be seen of an actor from outside without asking it; a part of the actor itself. The counters are written by
/// the actor's own thread and by its senders, and read by anybody.
struct actor_record : boost::intrusive::list_base_hook<> {
  actor_record() = default;
  ~actor_record() { delete detail.load(); }

  std::uint64_t id = 0;
  std::uint64_t parent = 0;            // the id of the actor that spawned it; 0: none did
  caf::abstract_actor* self = nullptr; // alive while the record stands in the directory
  const char* kind = "";               // session, room, shard ...
  std::string name;                    // of the user, room, shard ...
  std::chrono::system_clock::time_point started;
  std::atomic<std::uint64_t> received{0};
  std::atomic<std::uint64_t> handled{0};
  std::atomic<std::uint64_t> busy_ns{0};        // in handlers, all together
  std::atomic<std::uint64_t> longest_ns{0};     // one handler
  std::atomic<std::int64_t> handling_since{0};  // steady clock, ns; 0: idle
  std::atomic<message_type> handling{0};        // the last one that it began with
  std::atomic<const char*> last_error{nullptr}; // of static storage
  std::atomic<std::uint32_t> errors{0};         // refusals that it gave, answers that it did not get
  std::atomic<std::uint32_t> last_error_at{0};  // coarse_ms
  std::atomic<std::uint64_t> first_waiting{0};  // until there is a detail: number << 32 | coarse_ms
  std::atomic<actor_detail*> detail{nullptr};   // ours

  // Called by senders:
  void note_arrival();
  // Called by the actor's own thread:
  void note_begin(message_type type, std::int64_t now_ns);
  void note_end(std::int64_t began_ns, std::int64_t now_ns);
  void note_error(const char* what);

  std::uint64_t waiting() const;
  /// How long the oldest message waits, ms; the one that is being handled counts no more. 0: none waits. Where more
  /// wait than arrivals are kept, it is the age of the oldest that is.
  std::uint64_t oldest_ms() const;
  /// When message `number` came, coarse_ms; 0: not known any more.
  std::uint32_t arrival_of(std::uint64_t number) const;

private:
  /// Tells `slow_messages`, if it waited and took long.
  void note_if_slow(std::uint64_t number, std::uint64_t took_ns);
};

/// The actor whose handler runs on this thread; null: none.
extern thread_local actor_record* current_actor;

/// Notes an error of that actor, if there is one. `what` is of static storage, and ends with a null.
void note_error_here(std::string_view what);

} // namespace starling
