#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/ports.hpp"
#include "net/redis_connection.hpp"
#include "net/redis_counters.hpp"
#include "net/scripts.hpp"

namespace starling::net {

/// A call of a script, or a command of Redis' own, from the link's queue to its answer.
struct redis_call {
  const script* which; // null: `args` is the command
  std::vector<std::string> keys;
  std::vector<std::string> args;
  redis_link::reply_handler done;
  std::chrono::steady_clock::time_point since{}; // when it was written first
  bool retried = false;
};

/// What the halves of a link tell it.
struct redis_half_events {
  std::function<void()> ready;
  std::function<void(const std::string& reason)> lost;
};

/// The command connection of a link: loads the scripts, writes calls, and matches the answers, which come in order.
///
/// When Redis answers NOSCRIPT (somebody flushed its scripts), whatever had been sent is let come back first; then all
/// scripts are loaded anew, what was refused is sent again in its order, and after it what was asked meanwhile. A call
/// is sent again once. So calls keep their order, except around those that ran since another client loaded the
/// scripts between two of ours.
class redis_commands final : public redis_connection_user {
public:
  redis_commands(redis_connection::strand on, std::weak_ptr<void> owner, const script_set& scripts,
                 redis_counters& counters, redis_half_events events);
  ~redis_commands() override;

  void open(const redis_address& where, const redis_credentials& who);
  /// Takes a call; it leaves with the next `flush`.
  void send(redis_call what);
  void flush() { connection_->flush(); }
  /// Ends the connection, and hands back the calls that have no answer, in order.
  std::deque<redis_call> close();
  /// Has the oldest call waited longer than `bound`, and since before the last time that it was asked? Answers may lie
  /// in the socket while all threads are busy: they get one more turn to be read.
  bool overdue(std::chrono::milliseconds bound);
  bool idle() const { return pending_.empty(); }
  std::uint64_t answers() const { return answers_; }

  void ready() override;
  void replied(const redisReply& what) override;
  void turn_ended() override {}
  void closed(const std::string& reason) override { events_.lost(reason); }

private:
  void load();
  void loaded(const redisReply& what);
  void write(const redis_call& what);
  void answer(redis_call& what, const redisReply& reply);
  void load_again();

  const script_set& scripts_;
  redis_counters& counters_;
  redis_half_events events_;
  std::shared_ptr<redis_connection> connection_;
  std::deque<const script*> loading_; // SCRIPT LOADs without an answer; never sent while calls are under way
  std::deque<redis_call> pending_;    // calls without an answer, in the order of writing
  std::deque<redis_call> refused_;    // by NOSCRIPT, to be sent again
  std::deque<redis_call> held_;       // asked while there were refused ones
  bool ready_ = false;
  std::uint64_t answers_ = 0, answers_when_overdue_ = 0;
  bool was_overdue_ = false;
  std::vector<std::string_view> words_; // room for `write`
};

} // namespace starling::net
