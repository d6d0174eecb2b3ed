#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include "net/redis_link.hpp"
#include "tests/support/redis_process.hpp"

/// A link to a real Redis on threads of its own, and what it told.
namespace redis_link_test {

using namespace starling;
using namespace starling::net;
using namespace std::chrono_literals;
using starling::test::redis_process;

inline const std::map<std::string, std::string> script_texts{
    {"echo", "return ARGV"},
    {"append", "return redis.call('RPUSH', KEYS[1], ARGV[1])"},
    {"publish", "return redis.call('PUBLISH', KEYS[1], ARGV[1])"},
    {"fails", "return redis.error_reply('STALE 7')"},
};

/// What a listener and reply handlers were told, to be waited for.
class recorder : public redis_listener {
public:
  void up() override {
    note([&] { ++ups; });
  }
  void down(const std::string& reason) override {
    note([&] { downs.push_back(reason); });
  }
  void cut(const std::string& reason) override {
    note([&] { cuts.push_back(reason); });
  }
  void mended() override {
    note([&] { ++mends; });
  }
  void subscribed(std::vector<std::string> channels) override {
    note([&] { confirmed.insert(confirmed.end(), channels.begin(), channels.end()); });
  }
  void published(std::vector<publication> what) override {
    note([&] { publications.insert(publications.end(), what.begin(), what.end()); });
  }
  redis_link::reply_handler answer() {
    return [this](redis_value v) { note([&] { answers.push_back(std::move(v)); }); };
  }
  /// Waits for a condition, which is looked at under the lock.
  template <class F>
  bool wait(F condition, std::chrono::milliseconds limit = 10s) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] { return condition(); });
  }
  bool wait_up(int count = 1) {
    return wait([&] { return ups >= count; });
  }
  bool wait_down(std::size_t count = 1) {
    return wait([&] { return downs.size() >= count; });
  }
  bool wait_answers(std::size_t count) {
    return wait([&] { return answers.size() >= count; });
  }

  int ups = 0, mends = 0;
  std::vector<std::string> downs, cuts, confirmed;
  std::vector<publication> publications;
  std::vector<redis_value> answers;

  /// Whether two calls came at one time, which would be the link's fault.
  std::atomic<bool> concurrent = false;

private:
  template <class F>
  void note(F f) {
    if (inside_.exchange(true)) concurrent = true;
    {
      std::lock_guard lock(mutex_);
      f();
    }
    inside_ = false;
    changed_.notify_all();
  }

  std::atomic<bool> inside_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
};

inline redis_settings quick() {
  redis_settings s;
  s.answer = 300ms;
  s.silence = 100ms;
  s.backoff_min = 5ms;
  s.backoff_max = 20ms;
  return s;
}

/// An io_context with two threads, and a link on it.
struct fixture {
  explicit fixture(const shard_settings& shard, redis_settings settings = {}, std::string password = {})
      : listener(std::make_shared<recorder>()),
        link(make_redis_link(io, shard, settings, std::move(password), std::make_shared<script_set>(script_texts))) {
    for (auto& thread : threads)
      thread = std::thread([this] { io.run(); });
    link->start(listener);
  }
  ~fixture() {
    link.reset();
    work.reset();
    for (auto& thread : threads)
      thread.join();
    CHECK_FALSE(listener->concurrent);
  }
  void call(std::string_view script, std::vector<std::string> keys, std::vector<std::string> args) {
    link->call(script, std::move(keys), std::move(args), listener->answer());
  }

  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
  std::shared_ptr<recorder> listener;
  std::shared_ptr<hiredis_link> link;
  std::array<std::thread, 2> threads;
};

/// For conditions that nobody tells of: looks until it holds.
template <class F>
bool eventually(F condition) {
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

inline bool is_unavailable(const redis_value& v) {
  return v.if_error() && v.if_error()->text.starts_with("UNAVAILABLE");
}

} // namespace redis_link_test
