#include "actors/turn.hpp"

#include <chrono>
#include <utility>

#include <boost/asio/post.hpp>
#include <caf/execution_unit.hpp>
#include <caf/intrusive_ptr.hpp>
#include <caf/resumable.hpp>

namespace starling {
namespace {

// A round ends with the actor that runs after this time, whatever is still to do, and then what it has left is written.
constexpr std::chrono::microseconds round_max{200};

// More than these in one thread's hands, and another thread had better help.
constexpr std::size_t ready_max = 64;

thread_local turn* this_threads = nullptr;
thread_local const boost::asio::io_context* this_threads_pool = nullptr;

} // namespace

turn::turn(boost::asio::io_context& io, caf::execution_unit& unit, std::size_t messages_max)
    : io_(io), unit_(unit), messages_max_(messages_max) {
  this_threads = this;
  this_threads_pool = &io;
}

turn::~turn() {
  this_threads = nullptr;
  this_threads_pool = nullptr;
}

turn* turn::of_thread(const boost::asio::io_context& pool) {
  return this_threads_pool == &pool ? this_threads : nullptr;
}

bool turn::take(caf::resumable* actor) {
  if (ready_.size() >= ready_max) return false;
  ready_.push_back(actor);
  return true;
}

std::deque<caf::resumable*> turn::run() {
  while (!io_.stopped()) {
    // Only a thread with nothing to do may sleep.
    if (ready_.empty()) io_.run_one();
    const auto end = std::chrono::steady_clock::now() + round_max;
    do
      run_actors(end);
    while (io_.poll_one() != 0 && std::chrono::steady_clock::now() < end);
    run_actors(end);
    run_writes();
  }
  return std::move(ready_);
}

void turn::run_actors(std::chrono::steady_clock::time_point end) {
  while (!ready_.empty()) {
    auto* actor = ready_.front();
    ready_.pop_front();
    if (run_actor(actor, unit_, messages_max_)) ready_.push_back(actor);
    if (std::chrono::steady_clock::now() >= end) return;
  }
}

void turn::run_writes() {
  writing_.swap(writes_);
  for (auto& each : writing_)
    each->write();
  writing_.clear();
}

bool run_actor(caf::resumable* actor, caf::execution_unit& unit, std::size_t messages_max) {
  switch (actor->resume(&unit, messages_max)) {
  case caf::resumable::resume_later:
    return true;
  case caf::resumable::done:
  case caf::resumable::awaiting_message:
    caf::intrusive_ptr_release(actor);
    return false;
  case caf::resumable::shutdown_execution_unit:
    return false;
  }
  return false;
}

void write_soon(boost::asio::io_context& pool, std::shared_ptr<writer> what) {
  if (auto* here = turn::of_thread(pool)) return here->write_at_end(std::move(what));
  boost::asio::post(pool, [what = std::move(what)] { what->write(); });
}

} // namespace starling
