#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <string_view>

#include "cli/bench/fleet.hpp"
#include "cli/bench/presence_book.hpp"
#include "cli/bench/run.hpp"

namespace starling::cli {

/// Many users drop within a second, and come back a second later each; half of them without a word, half as it is done.
/// Others watch them. When does the last of these know again that all are there?
///
/// The load keeps to its schedule whatever becomes of it. Who cannot come back tries again, as clients do.
class storm {
public:
  storm(const bench_options& options, const dialect& speaks, fleet& clients, run_result& result);

  /// Waits until the observers know that everyone is there, as after any start; at most the timeout.
  void prepare(const std::function<void()>& on_turn);
  /// `mark` is called at the first drop, and each time that all is right again; in the end if it never is.
  void run(const std::function<void(usage_mark&)>& mark, const std::function<void()>& on_turn);
  /// Asks the server who is there, from some observers, where that can be asked.
  void verify(const std::function<void()>& on_turn);

private:
  using nanoseconds = std::chrono::nanoseconds;

  struct retry {
    nanoseconds due;
    std::uint32_t client;
  };

  void on_heard(client& who, const heard& what, std::string_view text, nanoseconds at);
  void on_ended(client& who);
  void on_states(const client& who, std::string_view text);
  void on_asked(std::string_view text);
  nanoseconds drop_due(std::size_t user) const;
  nanoseconds return_due(std::size_t user) const;
  nanoseconds do_what_is_due(nanoseconds now);
  void drop(client& who);
  void note_progress(const std::function<void(usage_mark&)>& mark);
  std::size_t users_ready() const;
  bool is_user(const client& who) const { return who.index < options_.clients; }

  const bench_options& options_;
  const dialect& dialect_;
  fleet& fleet_;
  run_result& result_;
  storm_result& seen_;
  presence_book book_;
  nanoseconds start_{0};
  std::size_t dropped_ = 0, returned_ = 0; // users who have begun to
  std::deque<retry> retries_;              // in order of time
  std::size_t observers_ready_ = 0;
  std::size_t asked_ = 0; // observers who wait for the answer
  bool storming_ = false;
};

} // namespace starling::cli
