#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/bench/fleet.hpp"
#include "cli/bench/ledger.hpp"
#include "cli/bench/run.hpp"

namespace starling::cli {

/// Sends messages at fixed rates, whatever becomes of them (an open loop), and keeps book of what arrives.
///
/// A message's latency counts from when it was due, not from when it was sent: if the server holds up the generator,
/// those that waited meanwhile count too.
class load {
public:
  load(const bench_options& options, const plan& what, const dialect& speaks, fleet& clients, run_result& result);

  /// Makes the dialogues, and notes where each room's log stands. From now on those who stall do not read.
  void prepare();

  /// Sends from now for the warm-up and the window. `mark` is called at the window's begin and end, `on_turn` often.
  void run(const std::function<void(usage_mark&)>& mark, const std::function<void()>& on_turn);

  /// Waits for what is under way, no longer than the timeout, and counts what is missing.
  void settle(const std::function<void()>& on_turn);

private:
  using nanoseconds = std::chrono::nanoseconds;

  struct room {
    std::size_t members = 0; // ready when the load began, and reading
    bool usable = false;     // false: nobody sends here
    std::uint64_t said = 0;  // messages that this generator has sent here
    acknowledged sent;
  };

  /// One stream under way.
  struct flow {
    const stream& what;
    stream_result& result;
    std::uint64_t said = 0; // the one that is due included
    nanoseconds due{0};     // of the next
    std::size_t turn = 0;   // whose it is to send
    std::size_t stride = 1; // to the next; visits all, neighbours far apart
  };

  /// One message that was sent; its place in the book is its request's id.
  struct entry {
    nanoseconds due;
    std::uint32_t number; // in its room
    std::uint32_t stream;
  };

  void seat(client& who, std::vector<std::uint64_t>& first);
  void make_dialogues();
  void stall();
  void see_why_stalled_ended(const std::function<void()>& on_turn);
  enum class which : std::uint8_t { all, urgent };
  flow* next_due(nanoseconds now, which of);
  void send_due(nanoseconds now, which of);
  void step(flow& of);
  void send(flow& of);
  bool send(flow& of, client& who);
  client* sender(flow& of);
  std::string params(const flow& of, const client& who, std::uint64_t number);
  void on_heard(client& who, const heard& what, std::string_view text, nanoseconds at);
  void on_message(client& who, std::string_view text, nanoseconds at);
  void on_reply(client& who, std::uint64_t id, std::string_view text, nanoseconds at);
  void on_hello(client& who, std::string_view reply);
  flow& flow_of(const client& who);
  room& room_of(const client& who) { return rooms_[fleet_.part_of(who).room]; }
  std::uint64_t lost(std::uint64_t* by_closed = nullptr) const;
  bool in_window(nanoseconds at) const { return at >= from_ && at < until_; }

  const bench_options& options_;
  const dialect& dialect_;
  fleet& fleet_;
  run_result& result_;
  std::vector<room> rooms_;
  std::vector<flow> flows_;
  std::vector<entry> book_;
  std::vector<std::uint32_t> stalled_;
  std::size_t hellos_ = 0; // dialogues that are being made
  std::uint64_t answered_ = 0;
  nanoseconds start_{0}, from_{0}, until_{0};
};

} // namespace starling::cli
