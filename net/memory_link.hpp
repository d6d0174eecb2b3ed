#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "actors/ports.hpp"
#include "net/memory_redis.hpp"
#include "net/scripts.hpp"

namespace starling::net {

class memory_link;

/// A memory_redis that several links share: the shard of several nodes in one process. Any thread may use it.
class memory_server {
public:
  explicit memory_server(memory_redis::clock_function clock);

  redis_value call(const script& which, const std::vector<std::string>& keys, const std::vector<std::string>& args);
  redis_value command(const std::vector<std::string>& words);
  /// How often a script was run.
  std::uint64_t runs_of(const script& which);
  /// Forgets all keys, as a Redis that comes back without its file.
  void clear();

  void subscribe(memory_link& link, const std::vector<std::string>& channels);
  void unsubscribe(memory_link& link, const std::vector<std::string>& channels);
  void detach(memory_link& link);

private:
  std::int64_t publish(const std::string& channel, const std::string& payload);
  template <class F>
  redis_value locked(F carry_out);

  std::mutex mutex_;
  std::unordered_map<std::string, std::set<memory_link*>> subscribers_;
  std::unordered_map<std::string, std::uint64_t> runs_; // by the script's digest
  std::vector<std::shared_ptr<memory_link>> to_wake_;   // have publications to hand over; woken outside of the lock
  memory_redis redis_;
};

/// The link to a memory_server. It does everything in functions that it gives to `post`, one at a time whatever
/// threads `post` uses: a test that collects and runs them itself is the clock of its links.
///
/// Made by `make_memory_link`. It is up from `start` on; tests make it fail.
class memory_link : public redis_link, public std::enable_shared_from_this<memory_link> {
public:
  using post_function = std::function<void(std::function<void()>)>;

  memory_link(std::shared_ptr<memory_server> server, post_function post, std::shared_ptr<const script_set> scripts,
              std::size_t commands_waiting);
  ~memory_link() override;

  void start(std::shared_ptr<redis_listener> listener) override;
  void call(std::string_view script, std::vector<std::string> keys, std::vector<std::string> args,
            reply_handler done) override;
  void subscribe(std::vector<std::string> channels) override;
  void unsubscribe(std::vector<std::string> channels) override;
  void stop() override;

  // Faults, for tests.

  /// The link is lost: calls under way are answered "UNAVAILABLE" (whether they were carried out or not: here, not),
  /// subscriptions are gone, and what is asked until `recover` is refused.
  void fail(const std::string& reason);
  void recover();
  /// The next `count` publications do not arrive, and nobody is told.
  void drop_publications(std::uint64_t count) { to_drop_ += count; }
  std::uint64_t dropped_publications() const { return dropped_; }

  /// Calls refused since too many were waiting.
  std::uint64_t refused_calls() const { return refused_; }

private:
  friend class memory_server;

  struct queued_call {
    const script* which;
    std::vector<std::string> keys;
    std::vector<std::string> args;
    reply_handler done;
  };
  struct refused_call {
    reply_handler done;
    std::string why;
  };
  struct channel_change {
    bool subscribe;
    std::vector<std::string> channels;
  };
  struct went_up {};
  struct went_down {
    std::string reason;
  };
  using task = std::variant<queued_call, refused_call, channel_change, publication, went_up, went_down>;

  void enqueue(task what);
  /// True if the caller, when it has let go of its locks, must `wake` the link.
  [[nodiscard]] bool deliver(const std::string& channel, const std::string& payload);
  void wake();
  void end(const std::string& reason, bool for_good);
  void run();

  void carry_out(queued_call& what);
  void carry_out(refused_call& what);
  void carry_out(channel_change& what);
  void carry_out(publication& what);
  void carry_out(went_up& what);
  void carry_out(went_down& what);

  const std::shared_ptr<memory_server> server_;
  const post_function post_;
  const std::shared_ptr<const script_set> scripts_;
  const std::size_t commands_waiting_;
  std::atomic<std::uint64_t> to_drop_ = 0, dropped_ = 0, refused_ = 0;
  std::atomic<bool> stopped_ = false;

  std::shared_ptr<redis_listener> listener_; // used by `run` only, once `start` has set it

  std::mutex mutex_; // guards the rest
  bool open_ = false;
  bool posted_ = false; // `run` is on its way, or under way
  std::size_t calls_waiting_ = 0;
  std::deque<task> tasks_;
};

/// Links that nobody stops stop themselves when the last pointer goes.
std::shared_ptr<memory_link> make_memory_link(std::shared_ptr<memory_server> server, memory_link::post_function post,
                                              std::shared_ptr<const script_set> scripts,
                                              std::size_t commands_waiting = redis_settings{}.commands_waiting);

} // namespace starling::net
