#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/chat_client.hpp"
#include "tests/support/history_checker.hpp"

namespace starling::test {

/// A client as the protocol wishes it: it comes back after a drop to the next node that it knows, when it was told to
/// if it was told anything, asks by `room.sync` for what it has missed, and repeats with the same `key` what was not
/// acknowledged.
///
/// It keeps two views: what it holds after merging, and what came over each of its connections as it came, so that
/// merging cannot hide a server's fault.
class resuming_client {
public:
  /// Connects as `user` to the first of `ports`; after a drop to the next.
  resuming_client(client_loop& loop, std::string user, std::vector<std::uint16_t> ports);
  ~resuming_client();
  resuming_client(const resuming_client&) = delete;
  resuming_client& operator=(const resuming_client&) = delete;

  const std::string& user() const;
  /// Is it connected, and has it asked for all that it missed?
  bool in_step() const;
  /// Becomes a member, and waits until it is one.
  void join(const std::string& room);
  /// Sends, again and again until it is acknowledged. Returns at once.
  void say(const std::string& room);
  /// Says something in one of its rooms every `interval` from now on, unless the one before is still unanswered.
  /// Each text is filled up to `text_bytes`.
  void talk(std::chrono::milliseconds interval, std::size_t text_bytes = 0);
  void fall_silent();

  std::size_t unanswered() const;
  std::size_t acknowledged() const;
  std::size_t reconnects() const;
  /// The longest time from a first attempt to send to its acknowledgement.
  std::chrono::milliseconds slowest_answer() const;
  /// Answers 503 so far, and those among them that did not say `retry`.
  std::size_t unavailable() const;
  /// What should not have happened: errors, gaps, frames of unknown kinds.
  std::vector<std::string> complaints() const;

  std::vector<sending> sendings() const;
  /// The merged view.
  reader merged() const;
  /// One view per connection.
  std::vector<reader> connections() const;
  /// The last position that it holds of a room.
  position last(const std::string& room) const;

  struct state;

private:
  client_loop& loop_;
  std::shared_ptr<state> state_;
};

} // namespace starling::test
