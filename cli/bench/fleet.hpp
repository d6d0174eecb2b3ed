#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

#include "cli/bench/dialect.hpp"
#include "cli/bench/endpoint.hpp"
#include "cli/bench/framing.hpp"
#include "cli/bench/histogram.hpp"
#include "cli/bench/ledger.hpp"
#include "cli/bench/options.hpp"
#include "cli/bench/plan.hpp"
#include "cli/descriptor.hpp"

namespace starling::cli {

/// One simulated user's connection.
struct client {
  enum class state : std::uint8_t {
    waiting,
    connecting,
    upgrading,
    opening,
    joining,
    watching,
    ready,
    leaving, // has said goodbye, and waits for the server's
    away,    // left on purpose
    closed,
  };

  int fd = -1;
  state at = state::waiting;
  bool writable_wanted = false;
  bool reading = true;
  bool member = false; // was ready when the load began, and reads: gets all that its room does
  std::uint16_t close_code = 0;
  std::uint8_t put_off = 0; // how often, since it was ready
  std::uint32_t index = 0;
  std::chrono::milliseconds stay_away{0}; // as it was told; 0: it was not
  std::chrono::nanoseconds started{0};
  frame_reader reader;
  std::string unsent;         // what the socket did not take yet
  std::uint64_t room_seq = 0; // when it joined
  arrivals arrived;
};

/// What requests carry as `id` before there is load; the load's own begin at `first_message_id`.
inline constexpr std::uint64_t join_id = 1, watch_id = 2, hello_id = 3, ask_id = 4, first_message_id = 16;

/// All clients of a run: connects and opens them, then reads and writes for them, in one thread.
///
/// Urgent clients (see `part`) are looked at before all others, and again after every few of those: else what comes for
/// the one would wait here behind what comes for the other, and the time would be taken for the server's.
class fleet {
public:
  fleet(const bench_options& options, const plan& who, const dialect& speaks, std::vector<endpoint> endpoints);
  /// Closes what is open.
  ~fleet();
  fleet(const fleet&) = delete;
  fleet& operator=(const fleet&) = delete;

  /// Brings all clients to ready; each ends ready or closed. Calls `on_turn` now and then.
  void open_all(const std::function<void()>& on_turn);
  /// Connects a client that is not connected; it becomes ready, or ends, in a later `turn`. If the server puts it off
  /// (4013), it comes back when it is told to.
  void start(client& who);

  /// Waits `at_most` for something to happen and handles it.
  void turn(std::chrono::nanoseconds at_most);

  /// Sends a request. False if the client is not ready or more than 1 MiB waits for its socket already.
  bool request(client& who, std::uint64_t id, std::string_view method, std::string_view params);

  /// Leaves what comes for this client in its socket, or reads it again.
  void read_from(client& who, bool reading);
  /// Ends the connection without a word: the server gets a reset.
  void cut(client& who);
  /// Ends it as RFC 6455 has it.
  void leave(client& who);

  /// Since the run began, plus a second.
  std::chrono::nanoseconds now() const;

  std::string user(std::size_t index) const;
  /// The other way round; none if the name is not of this run.
  std::optional<std::uint32_t> index_of(std::string_view user) const;
  std::string room(std::size_t number) const;
  /// `{"users":[...]}`, as presence is asked for.
  std::string users(const std::vector<std::uint32_t>& indices) const;
  const part& part_of(const client& who) const { return plan_.clients[who.index]; }
  std::vector<client>& clients() { return clients_; }
  std::size_t ready() const { return ready_; }

  /// Is called with each frame of a client that is no part of becoming ready, with the answer to what it watches, and
  /// with the time when it was read.
  std::function<void(client&, const heard&, std::string_view text, std::chrono::nanoseconds now)> on_heard =
      [](auto&&...) {};
  /// A connection ended that was not meant to, or could not be made.
  std::function<void(client&)> on_ended = [](auto&&...) {};
  /// A client was told to come back later, in `stay_away`.
  std::function<void(const client&)> on_put_off = [](auto&&...) {};
  /// The urgent clients are looked at: what is due for them is due now too.
  std::function<void()> on_look = [] {};

  histogram opened_in;                        // from the connect that led to it, to ready
  std::map<std::string, std::uint64_t> ended; // connections, by why; those closed at the end of the run not counted
  std::uint64_t pings = 0;                    // answered
  std::uint64_t put_off = 0;                  // attempts to become ready
  std::chrono::nanoseconds behind{0};         // time spent with more to be read than one turn takes
  std::chrono::nanoseconds late{0}; // what came in this time for urgent clients waited too long, see `patience`

  /// What waits this long for a look is not late yet.
  static constexpr std::chrono::nanoseconds patience = std::chrono::milliseconds(1);

private:
  struct appointment {
    std::chrono::nanoseconds due;
    std::uint32_t client;
    bool operator>(const appointment& other) const { return due > other.due; }
  };
  struct attempt {
    std::uint32_t client;
    std::chrono::nanoseconds started;
  };

  // Becoming ready: opening.cpp.
  void advance(client& who, client::state to);
  void on_connected(client& who);
  std::string_view take_upgrade(client& who, std::string_view bytes);
  void on_setup(client& who, const heard& what, std::string_view text, std::chrono::nanoseconds at);
  bool put_off_now(client& who);
  void start_due();
  void expire();

  void look_at_urgent();
  void on_event(client& who, std::uint32_t what);
  void on_readable(client& who);
  void on_frame(client& who, opcode op, std::string_view payload, std::chrono::nanoseconds at);
  void on_text(client& who, std::string_view text, std::chrono::nanoseconds at);
  void send_frame(client& who, opcode op, std::string_view payload);
  void write(client& who, std::string_view bytes);
  void flush(client& who);
  void watch(client& who, int how);
  void end(client& who, const std::string& why);
  void hang_up(client& who, client::state to);

  const bench_options& options_;
  const plan& plan_;
  const dialect& dialect_;
  std::vector<endpoint> endpoints_;
  std::vector<client> clients_;
  std::deque<attempt> setting_up_; // in order of start, so the front times out first
  std::priority_queue<appointment, std::vector<appointment>, std::greater<>> coming_back_; // who comes back, and when
  std::size_t busy_ = 0; // connected or connecting, and not yet ready
  std::size_t ready_ = 0;
  descriptor urgent_;                     // the epoll of the urgent clients; none if nobody is
  descriptor epoll_;                      // of the others, and of `urgent_`
  std::chrono::nanoseconds looked_at_{0}; // the urgent ones, the time asleep since added
  std::vector<char> buffer_;
  std::string text_, frame_;
  std::chrono::steady_clock::time_point origin_;
};

} // namespace starling::cli
