#include "net/redis_commands.hpp"

#include <array>
#include <iterator>
#include <utility>

#include <hiredis/hiredis.h>

#include "net/redis_reply.hpp"

namespace starling::net {

using std::chrono::steady_clock;

namespace {

std::string_view text_of(const redisReply& reply) {
  return reply.str ? std::string_view(reply.str, reply.len) : std::string_view();
}

void move_to_end(std::deque<redis_call>& to, std::deque<redis_call>& from) {
  to.insert(to.end(), std::move_iterator(from.begin()), std::move_iterator(from.end()));
  from.clear();
}

} // namespace

redis_commands::redis_commands(redis_connection::strand on, std::weak_ptr<void> owner, const script_set& scripts,
                               redis_counters& counters, redis_half_events events)
    : scripts_(scripts), counters_(counters), events_(std::move(events)),
      connection_(std::make_shared<redis_connection>(std::move(on), *this, std::move(owner))) {}

redis_commands::~redis_commands() { connection_->close(); }

void redis_commands::open(const redis_address& where, const redis_credentials& who) { connection_->open(where, who); }

void redis_commands::send(redis_call what) {
  what.since = steady_clock::now();
  if (!refused_.empty()) {
    held_.push_back(std::move(what));
    return;
  }
  write(what);
  pending_.push_back(std::move(what));
}

std::deque<redis_call> redis_commands::close() {
  connection_->close();
  auto all = std::move(refused_); // these were sent before those still pending
  move_to_end(all, pending_);
  move_to_end(all, held_);
  return all;
}

bool redis_commands::overdue(std::chrono::milliseconds bound) {
  const auto* oldest = !refused_.empty() ? &refused_.front() : !pending_.empty() ? &pending_.front() : nullptr;
  const bool late = oldest && steady_clock::now() - oldest->since > bound;
  const bool twice = late && was_overdue_ && answers_ == answers_when_overdue_;
  was_overdue_ = late;
  answers_when_overdue_ = answers_;
  return twice;
}

void redis_commands::ready() {
  load();
  if (loading_.empty()) {
    ready_ = true;
    events_.ready();
  }
}

void redis_commands::load() {
  for (auto& [name, one] : scripts_) {
    connection_->command(std::array<std::string_view, 3>{"SCRIPT", "LOAD", one.text});
    loading_.push_back(&one);
  }
}

void redis_commands::replied(const redisReply& what) {
  ++answers_;
  if (!loading_.empty()) {
    loaded(what);
    return;
  }
  if (pending_.empty()) return;
  auto call = std::move(pending_.front());
  pending_.pop_front();
  if (what.type == REDIS_REPLY_ERROR && !call.retried && text_of(what).starts_with("NOSCRIPT"))
    refused_.push_back(std::move(call));
  else
    answer(call, what);
  if (pending_.empty() && !refused_.empty()) load_again();
}

void redis_commands::loaded(const redisReply& what) {
  const auto* expected = loading_.front();
  loading_.pop_front();
  if (text_of(what) != expected->sha1) {
    connection_->fail("SCRIPT LOAD of " + expected->name + ": " + std::string(text_of(what)));
    return;
  }
  if (!loading_.empty() || std::exchange(ready_, true)) return;
  events_.ready();
}

void redis_commands::load_again() {
  ++counters_.script_loads;
  load();
  auto again = std::move(refused_);
  refused_.clear();
  for (auto& call : again)
    call.retried = true;
  move_to_end(again, held_);
  for (auto& call : again)
    write(call);
  pending_ = std::move(again);
}

void redis_commands::write(const redis_call& what) {
  if (!what.which) {
    words_.assign(what.args.begin(), what.args.end());
    return connection_->command(words_);
  }
  const auto keys = std::to_string(what.keys.size());
  words_.assign({"EVALSHA", what.which->sha1, keys});
  words_.insert(words_.end(), what.keys.begin(), what.keys.end());
  words_.insert(words_.end(), what.args.begin(), what.args.end());
  connection_->command(words_);
}

void redis_commands::answer(redis_call& what, const redisReply& reply) {
  using std::chrono::duration_cast, std::chrono::microseconds;
  const auto took = duration_cast<microseconds>(steady_clock::now() - what.since).count();
  const auto us = static_cast<std::uint64_t>(took);
  --counters_.waiting;
  ++counters_.answers;
  counters_.round_trip_us_sum += us;
  counters_.round_trips.add(us);
  if (us > counters_.round_trip_us_max) counters_.round_trip_us_max = us; // one writer: no exchange is needed
  what.done(to_value(reply));
}

} // namespace starling::net
