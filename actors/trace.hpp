#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "chat/frame.hpp"
#include "chat/store.hpp"

namespace starling {

using trace_number = std::uint64_t; // of one message; no two in a cluster are the same. 0: not traced
using trace_time = std::chrono::steady_clock::time_point;

/// What a traced message passes. docs/ARCHITECTURE.md says where in the code, and what each means.
enum class hop : std::uint8_t {
  received,
  session,
  room,
  router,
  script_sent,
  answered,
  acknowledged,
  refused,
  publication_in,
  encoded,
  written,
};
std::string_view hop_name(hop what);

enum class trace_kind : std::uint8_t { room, user, message };

/// What is to be traced, by whom, and for how long.
struct trace_plan {
  trace_kind kind = trace_kind::room;
  std::string id;    // of the room, of the user who sends, or the message's idempotency key
  std::string owner; // who may end it or put another in its place
  std::string by;    // the same for people
  std::size_t count = 1;
  std::chrono::seconds lasts{10};
};

struct noted_hop {
  hop what;
  trace_time at;
  std::string detail;
};

/// One message, as far as its way has led through this process.
struct traced_message {
  trace_number number = 0;
  room_id room;
  user_id from;    // where it was sent or encoded
  log_position at; // zeros: not in the log yet
  std::vector<noted_hop> hops;
  std::size_t receivers = 0; // connections of this process that it is for
  std::size_t written = 0;   // those to which it has been written
  trace_time last_written{};
};

/// What a trace has found, with times as nanoseconds since 1970 through `unix_ns`.
struct trace_report {
  bool on = false;
  std::vector<traced_message> messages; // in the order of their numbers
  std::uint64_t passed_over = 0;        // messages that a bound has kept out
  std::chrono::nanoseconds to_unix{0};
  trace_time now{};

  std::int64_t unix_ns(trace_time at) const { return (at.time_since_epoch() + to_unix).count(); }
};

/// What those on the way of a message look at before anything else: false and 0 while nobody traces.
struct trace_switches {
  std::atomic<bool> on = false;
  std::atomic<std::uint32_t> frames = 0; // whose writing is waited for
};

/// Notes the ways of messages through this process while a console traces; one trace at a time. Any thread may use it.
///
/// The node of the sender chooses the messages, `count` of them. Each carries its number to the script that appends it,
/// which publishes a mark with that number ahead of the message: so all nodes that trace note the same messages, and no
/// others. A trace is over at its deadline, also when the console that began it is gone.
///
/// While nobody traces, a message costs one relaxed load where its frame comes in, one in its session, one where
/// publications come in, one where it is encoded, and one for each write to a socket.
class tracer {
public:
  using clock = std::function<trace_time()>;

  static constexpr std::size_t count_max = 100;          // messages of one trace
  static constexpr std::chrono::seconds lasts_max{60};   // beyond both: refused
  static constexpr std::size_t messages_max = 256;       // noted, those of other nodes too; beyond: passed over
  static constexpr std::size_t chosen_per_second = 20;   // beyond: passed over
  static constexpr std::chrono::seconds last_way_max{1}; // for what was chosen last, after the time for choosing

  explicit tracer(trace_switches& switches, clock now = std::chrono::steady_clock::now);

  /// The process' own.
  static tracer& instance();
  static bool on() { return process_switches.on.load(std::memory_order_relaxed); }
  /// The time if a trace is on; else nothing.
  static trace_time stamp() { return on() ? instance().look() : trace_time{}; }
  /// The time if the writing of any frame is waited for; else nothing.
  static trace_time write_stamp() {
    return process_switches.frames.load(std::memory_order_relaxed) != 0 ? std::chrono::steady_clock::now()
                                                                        : trace_time{};
  }

  /// From now on notes what other nodes have chosen. Returns the plan of somebody else that is under way, if there is
  /// one: then nothing has changed.
  std::optional<trace_plan> begin(trace_plan plan);
  /// From now on chooses. False: it is not this owner's, or over.
  bool start(const std::string& owner);
  /// Ends it; what was noted stays until the next begins. False: it is not this owner's, or over.
  bool end(const std::string& owner);
  trace_report report();
  /// Until when it goes on, at most.
  std::chrono::milliseconds left();

  /// A frame with this message had come at `received`. Returns its number if it is chosen, else 0.
  trace_number choose(const room_id& room, const user_id& from, const std::string& key, trace_time received,
                      std::string detail);
  void note(trace_number number, hop what, std::string detail = {});
  /// The shard has given the message its place.
  void note_place(trace_number number, log_position at);
  /// A mark has come in at `at`: what is told of that place in the log is this message.
  void note_mark(trace_number number, const room_id& room, log_position place, trace_time at, std::string detail);
  /// A message of the log has become a frame, for so many connections.
  void note_encoded(const room_id& room, const log_entry& entry, const frame& bytes, std::size_t receivers);
  /// All bytes up to `end` have been given to a socket, in a call that began at `at`.
  void note_written(const char* end, trace_time at);

private:
  trace_time look();
  bool is_over(trace_time now);
  void stop();
  traced_message* find(trace_number number);
  traced_message* find_or_add(trace_number number, const room_id& room);
  static void add(traced_message& to, hop what, trace_time at, std::string detail);
  bool may_choose(trace_time now);

  static trace_switches process_switches;

  struct watched_frame {
    frame bytes; // kept, so that no other frame gets its place in memory
    trace_number number;
  };

  trace_switches& switches_;
  const clock now_;
  const trace_number process_; // the upper half of the numbers given here
  std::mutex mutex_;           // guards the rest
  trace_plan plan_;
  bool choosing_ = false;
  trace_time choose_until_{}, ends_{};
  std::size_t chosen_ = 0;
  trace_time second_{}; // that began here, with so many chosen in it
  std::size_t chosen_in_second_ = 0;
  std::uint32_t last_ = 0; // number given
  std::uint64_t passed_over_ = 0;
  std::chrono::nanoseconds to_unix_{0};
  std::map<trace_number, traced_message> messages_;
  std::unordered_map<const char*, watched_frame> frames_; // by the end of their bytes, which partial writes share
};

} // namespace starling
