#pragma once

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/support/history_checker.hpp"
#include "tests/support/resuming_client.hpp"

namespace starling::test {

struct crowd_plan {
  std::size_t clients = 40;
  std::size_t rooms = 12;
  std::size_t rooms_per_client = 2;
};

inline const std::vector<std::string> no_complaints;

/// Many clients that talk in rooms: the load under which things are broken.
///
/// Who is in which room is drawn by a seed, which tests print; STARLING_TEST_SEED repeats a run.
class crowd {
public:
  /// Client i begins at `ports[i % ports.size()]`. Returns when all are connected and have joined.
  crowd(client_loop& loop, std::vector<std::uint16_t> ports, crowd_plan plan = {});

  std::uint64_t seed() const { return seed_; }
  const std::vector<std::string>& rooms() const { return rooms_; }
  std::vector<std::unique_ptr<resuming_client>>& clients() { return clients_; }
  /// One more, which joins `rooms`.
  resuming_client& add(const std::string& user, std::vector<std::uint16_t> ports,
                       const std::vector<std::string>& rooms);

  /// As `resuming_client::talk`, for each.
  void talk(std::chrono::milliseconds interval, std::size_t text_bytes = 0);
  /// Waits until this many more messages have been acknowledged than at the time of the call.
  bool wait_acknowledged(std::size_t more, std::chrono::milliseconds at_most = patience);
  std::size_t acknowledged() const;
  std::size_t reconnects() const;
  std::size_t unavailable() const;
  /// Ends the talking; waits until all is acknowledged and all have everything. False if that does not come about.
  bool settle(std::chrono::milliseconds at_most = std::chrono::seconds(30));
  /// What each connection saw, what each client holds, and what the log says (asked by `room.history`), against
  /// what was sent. Empty if the promise was kept.
  std::vector<std::string> faults(std::uint16_t port);
  /// Complaints of all clients.
  std::vector<std::string> complaints() const;

private:
  bool all_have_all() const;
  /// The rooms' logs as the server tells them, page by page.
  std::vector<reader> read_logs(std::uint16_t port);

  client_loop& loop_;
  std::uint64_t seed_;
  std::vector<std::string> rooms_;
  std::vector<std::unique_ptr<resuming_client>> clients_;
};

/// STARLING_TEST_SEED, or a fresh one.
std::uint64_t test_seed();

} // namespace starling::test
