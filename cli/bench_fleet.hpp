#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cli/bench_endpoint.hpp"
#include "cli/bench_framing.hpp"
#include "cli/bench_histogram.hpp"
#include "cli/bench_ledger.hpp"
#include "cli/bench_options.hpp"

namespace starling::cli {

/// One simulated user's connection.
struct client {
  enum class state : std::uint8_t { waiting, connecting, upgrading, opening, joining, watching, ready, closed };

  int fd = -1;
  state at = state::waiting;
  bool writable_wanted = false;
  bool member = false; // was ready when the load began: gets all that its room does
  std::uint32_t index = 0;
  std::uint32_t room = 0;
  std::chrono::nanoseconds started{0};
  frame_reader reader;
  std::string unsent;         // what the socket did not take yet
  std::uint64_t room_seq = 0; // when it joined
  arrivals arrived;
};

/// All clients of a run: connects and opens them, then reads and writes for them, in one thread on one epoll.
class fleet {
public:
  /// Who the clients talk to: nodes, which want to be opened and joined, or the floor, which wants nothing.
  enum class target : std::uint8_t { nodes, floor };

  fleet(const bench_options& options, std::vector<endpoint> endpoints, target to);
  /// Closes what is open.
  ~fleet();
  fleet(const fleet&) = delete;
  fleet& operator=(const fleet&) = delete;

  /// Brings all clients to ready; each ends ready or closed. Calls `on_turn` now and then.
  void open_all(const std::function<void()>& on_turn);

  /// Waits `at_most` for something to happen and handles it.
  void turn(std::chrono::nanoseconds at_most);

  /// Sends a text frame. False if the client is not ready or more than 1 MiB waits for its socket already.
  bool send(client& who, std::string_view json);

  /// Since the run began, plus a second: also what requests carry as `id`, so no small number.
  std::chrono::nanoseconds now() const;

  std::string user(std::size_t index) const;
  std::string room(std::size_t number) const;
  std::vector<client>& clients() { return clients_; }
  std::size_t ready() const { return ready_; }
  std::size_t rooms() const { return rooms_; }

  /// Is called with each JSON text that is no part of becoming ready, and the time when it was read.
  std::function<void(client&, std::string_view json, std::chrono::nanoseconds now)> on_json = [](auto&&...) {};

  histogram opened_in;                        // from connect to ready
  std::map<std::string, std::uint64_t> ended; // connections, by why; those closed at the end of the run not counted
  std::uint64_t pings = 0;                    // answered

private:
  void start(client& who);
  void advance(client& who, client::state to);
  void on_connected(client& who);
  void on_readable(client& who);
  std::string_view take_upgrade(client& who, std::string_view bytes);
  void on_frame(client& who, opcode op, std::string_view payload, std::chrono::nanoseconds at);
  void on_setup(client& who, std::string_view json, std::chrono::nanoseconds at);
  void write(client& who, std::string_view bytes);
  void flush(client& who);
  void end(client& who, const std::string& why);
  void expire();

  const bench_options& options_;
  std::vector<endpoint> endpoints_;
  target target_;
  std::size_t rooms_;
  std::vector<client> clients_;
  std::deque<std::uint32_t> setting_up_; // in order of start, so the front times out first
  std::size_t busy_ = 0;                 // of them, not yet ready or closed
  std::size_t ready_ = 0;
  int epoll_;
  std::vector<char> buffer_;
  std::string frame_;
  std::chrono::steady_clock::time_point origin_;
};

} // namespace starling::cli
