#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/ready_check.hpp"

namespace starling::cli {

/// A program to be kept running.
struct child_spec {
  std::string name;                              // "node-1": how it is called in what is said
  std::vector<std::string> argv;                 // the program is looked for on PATH
  std::filesystem::path log_file;                // its output is appended here
  ready_check ready;                             // when those that need it may start
  std::chrono::milliseconds stop_within{15'000}; // from SIGTERM to SIGKILL
  int orphan_signal = SIGKILL;                   // what it gets when the supervisor itself dies
};

/// Children that start together, after those of the stage before are ready, and end together, before them.
using stage = std::vector<child_spec>;

struct supervisor_settings {
  std::chrono::milliseconds ready_within{30'000}; // at the first start; beyond, the start has failed
  std::chrono::milliseconds ready_interval{50};   // between two checks
  std::chrono::milliseconds ready_attempt{1'000}; // one check may take
  std::chrono::milliseconds backoff_min{1'000};   // before a child that died starts again
  std::chrono::milliseconds backoff_max{10'000};  // doubled up to here while it dies young
  std::chrono::milliseconds young{10'000};        // a child that lived longer starts again after `backoff_min`
};

/// Starts a few programs in order, starts those again that die, and ends them in the reverse order.
///
/// Everything runs on the one thread of the `io_context`, and that thread must stay: children die with it.
class supervisor {
public:
  using sayer = std::function<void(const std::string&)>;

  /// `say` is given one line for whatever a person should know.
  supervisor(boost::asio::io_context& io, supervisor_settings settings, sayer say);
  supervisor(const supervisor&) = delete;
  supervisor& operator=(const supervisor&) = delete;
  /// Kills what still runs.
  ~supervisor();

  /// Starts all stages, calls `when_ready`, keeps everything running until `stop`, and ends it. Answers why the start
  /// failed; empty: it did not, or it was stopped before. Called once.
  boost::asio::awaitable<std::string> run(std::vector<stage> stages, std::function<void()> when_ready);

  /// Ends everything in order; called again, kills what is left.
  void stop();

  /// Sends a signal to all that are ready: they know what to do with it.
  void pass_on(int signal);

  /// The process id of a child; -1 while it does not run.
  pid_t pid_of(std::string_view name) const;

private:
  struct child;
  using children = std::vector<std::shared_ptr<child>>;

  boost::asio::awaitable<std::string> start(const std::vector<stage>& stages);
  boost::asio::awaitable<void> end(const children& group);
  boost::asio::awaitable<void> keep(std::shared_ptr<child> c);
  boost::asio::awaitable<void> become_ready(child& c, bool first_time);
  boost::asio::awaitable<void> pause_before_restart(child& c, std::string what_happened);
  boost::asio::awaitable<void> something_changed();
  boost::asio::awaitable<void> collect_the_dead();
  void changed() { changed_.cancel(); }

  supervisor_settings settings_;
  sayer say_;
  boost::asio::io_context& io_;
  boost::asio::signal_set child_signals_;
  boost::asio::steady_timer changed_; // never expires: cancelling it wakes all that wait for a change
  std::vector<children> stages_;
  bool stopping_ = false;
  bool impatient_ = false;
};

} // namespace starling::cli
