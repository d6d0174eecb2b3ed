#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace caf {
class type_erased_tuple;
}

namespace starling {

/// A message that an actor was slow with.
struct slow_message {
  std::int64_t unix_ms = 0; // when its handler returned
  std::string actor_kind, actor_name;
  std::string message;                // the type of what was handled
  std::chrono::nanoseconds waited{0}; // in the mailbox; 0: not known
  std::chrono::nanoseconds took{0};   // in the handler
};

/// The last messages that were slow: for consoles, and for the flight recorder. Any thread may use it.
class slow_messages {
public:
  /// Who was faster, waiting and handling together, is not worth a line: with it, a lock is taken.
  static constexpr std::chrono::milliseconds slow{50};
  static constexpr std::uint64_t slow_ns = std::chrono::nanoseconds(slow).count();
  static constexpr std::size_t messages_max = 256; // beyond: the oldest goes

  static slow_messages& instance();

  /// Keeps it, if it was slow.
  void add(std::string_view actor_kind, std::string_view actor_name, std::string_view message,
           std::chrono::nanoseconds waited, std::chrono::nanoseconds took);
  /// The slowest of those that are kept, the slowest first.
  std::vector<slow_message> slowest(std::size_t limit) const;

private:
  mutable std::mutex mutex_;
  std::vector<slow_message> messages_; // a ring, when it is full
  std::size_t next_ = 0;
};

/// The type of a message's first element, without our namespace; a number for what CAF itself knows.
std::string type_of(const caf::type_erased_tuple& content);

} // namespace starling
