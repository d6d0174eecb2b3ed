#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/bench_fleet.hpp"
#include "cli/bench_ledger.hpp"
#include "cli/bench_run.hpp"

namespace starling::cli {

/// Sends messages at a fixed rate, whatever becomes of them (an open loop), and keeps book of what arrives.
///
/// A message's latency counts from when it was due, not from when it was sent: if the server holds up the generator,
/// those that waited meanwhile count too.
class load {
public:
  load(const bench_options& options, fleet& clients, run_result& result);

  /// Makes the dialogues, for pairs, and notes where each room's log stands.
  void prepare();

  /// Sends from now for the warm-up and the window. `mark` is called at the window's begin and end, `on_turn` often.
  void run(const std::function<void(usage_mark&)>& mark, const std::function<void()>& on_turn);

  /// Waits for what is under way, no longer than the timeout, and counts what is missing.
  void settle(const std::function<void()>& on_turn);

private:
  struct room {
    std::size_t members = 0; // ready when the load began
    bool usable = false;     // false: nobody sends here
    acknowledged sent;
  };

  void send(std::chrono::nanoseconds due);
  client* sender();
  void on_json(client& who, std::string_view json, std::chrono::nanoseconds at);
  void on_message(client& who, std::string_view json, std::chrono::nanoseconds at);
  void on_reply(client& who, std::string_view json, std::chrono::nanoseconds at);
  void on_hello(client& who, std::string_view reply);
  std::uint64_t lost(std::uint64_t* by_closed = nullptr) const;
  bool in_window(std::chrono::nanoseconds at) const { return at >= from_ && at < until_; }

  const bench_options& options_;
  fleet& fleet_;
  run_result& result_;
  std::vector<room> rooms_;
  std::size_t turn_ = 0;   // whose it is to send
  std::size_t stride_ = 1; // to the next; visits all, neighbours far apart
  std::size_t hellos_ = 0; // dialogues that are being made
  std::uint64_t answered_ = 0;
  std::chrono::nanoseconds from_{0}, until_{0};
  std::string padding_;
  std::string json_;
};

} // namespace starling::cli
