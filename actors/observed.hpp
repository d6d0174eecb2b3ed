#pragma once

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/directory.hpp"
#include "actors/errors.hpp"
#include "actors/log.hpp"

namespace starling {

/// The common base of our actors: it counts what an actor receives and does, and keeps it in the directory. CAF's own
/// profiler is not compiled into Debian's packages.
template <class Base>
class observed : public Base {
public:
  template <class... Ts>
  explicit observed(caf::actor_config& config, Ts&&... xs) : Base(config, std::forward<Ts>(xs)...) {
    record_.id = this->id();
    record_.started = std::chrono::system_clock::now();
  }

  ~observed() override { actor_directory::instance().remove(record_); }

  bool cleanup(caf::error&& reason, caf::execution_unit* unit) override {
    actor_directory::instance().remove(record_);
    return Base::cleanup(std::move(reason), unit);
  }

  /// Enters the actor into the directory. Called once, at the start of its function.
  void observe(const char* kind, std::string name) {
    record_.kind = kind;
    record_.name = std::move(name);
    actor_directory::instance().add(record_);
  }

  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit* unit) override {
    record_.received.fetch_add(1, std::memory_order_relaxed);
    Base::enqueue(std::move(what), unit);
  }

  caf::invoke_message_result consume(caf::mailbox_element& what) override {
    // CAF lets the timeout of an answered request run on, and would wake the actor for nothing.
    if (what.mid.is_response()) this->clock().cancel_request_timeout(this, what.mid);
    auto start = std::chrono::steady_clock::now().time_since_epoch();
    record_.handling_since.store(start.count(), std::memory_order_relaxed);
    auto result = Base::consume(what);
    auto took = static_cast<std::uint64_t>((std::chrono::steady_clock::now().time_since_epoch() - start).count());
    record_.handling_since.store(0, std::memory_order_relaxed);
    add(record_.busy_ns, took);
    add(record_.handled, 1);
    if (took > record_.longest_ns.load(std::memory_order_relaxed))
      record_.longest_ns.store(took, std::memory_order_relaxed);
    return result;
  }

private:
  /// For counters that only the actor itself writes: no other core has to be asked.
  static void add(std::atomic<std::uint64_t>& counter, std::uint64_t amount) {
    counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }

  actor_record record_;
};

/// The `self` of an actor's function: a typed, stateful, observed actor.
template <class Handle, class State>
using self_pointer = caf::stateful_actor<State, observed<typename Handle::base>>*;

} // namespace starling
