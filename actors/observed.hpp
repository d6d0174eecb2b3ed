#pragma once

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/directory.hpp"
#include "actors/errors.hpp"
#include "actors/log.hpp"
#include "actors/peek.hpp"

namespace starling {

/// The common base of our actors: it counts what an actor receives and does, keeps it in the directory, and answers
/// those who look into it. CAF's own profiler is not compiled into Debian's packages.
template <class Base>
class observed : public Base {
public:
  template <class... Ts>
  explicit observed(caf::actor_config& config, Ts&&... xs) : Base(config, std::forward<Ts>(xs)...) {
    record_.id = this->id();
    record_.self = this;
    record_.parent = config.parent ? config.parent->id() : 0;
    record_.started = std::chrono::system_clock::now();
  }

  ~observed() override { actor_directory::instance().remove(record_); }

  bool cleanup(caf::error&& reason, caf::execution_unit* unit) override {
    actor_directory::instance().remove(record_);
    if (reason && reason != caf::exit_reason::user_shutdown)
      actor_directory::instance().note_failure(record_.kind, record_.name, caf::to_string(reason));
    return Base::cleanup(std::move(reason), unit);
  }

  /// Enters the actor into the directory. Called once, at the start of its function.
  void observe(const char* kind, std::string name) {
    record_.kind = kind;
    record_.name = std::move(name);
    actor_directory::instance().add(record_);
  }

  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit* unit) override {
    if (!is_peek(type_of(*what))) record_.note_arrival();
    Base::enqueue(std::move(what), unit);
  }

  caf::invoke_message_result consume(caf::mailbox_element& what) override {
    // CAF lets the timeout of an answered request run on, and would wake the actor for nothing.
    if (what.mid.is_response()) this->clock().cancel_request_timeout(this, what.mid);
    const auto type = type_of(what);
    // Not counted, since it overtakes the rest: who waits for how long is told by the order of arrival.
    if (is_peek(type)) return be_peeked(what);
    const auto began = std::chrono::steady_clock::now().time_since_epoch().count();
    record_.note_begin(type, began);
    auto* const before = std::exchange(current_actor, &record_);
    if (what.mid.is_response()) note_failed_answer(record_, what);
    auto result = Base::consume(what);
    current_actor = before;
    record_.note_end(began, std::chrono::steady_clock::now().time_since_epoch().count());
    return result;
  }

protected:
  /// What stands in the actor, as a JSON object: bounded, and without secrets.
  virtual std::string describe(const std::string&) const { return "{}"; }

private:
  caf::invoke_message_result be_peeked(caf::mailbox_element& what) {
    actor_peeked answer{describe(about_what(what)), {}, 0};
    note_mailbox(answer, record_, this->mailbox());
    answer_peek(what, this->ctrl(), std::move(answer));
    return caf::invoke_message_result::consumed;
  }

  actor_record record_;
};

/// An observed actor with a state, which may describe itself: `std::string describe() const`, or what is asked about:
/// `std::string describe(const std::string& about) const`.
template <class Base, class State>
class observed_stateful : public caf::stateful_actor<State, observed<Base>> {
public:
  using caf::stateful_actor<State, observed<Base>>::stateful_actor;

protected:
  std::string describe(const std::string& about) const override {
    if constexpr (requires(const State& state) { state.describe(about); })
      return this->state.describe(about);
    else if constexpr (requires(const State& state) { state.describe(); })
      return this->state.describe();
    else
      return "{}";
  }
};

/// The `self` of an actor's function: a typed, stateful, observed actor.
template <class Handle, class State>
using self_pointer = observed_stateful<typename Handle::base, State>*;

} // namespace starling
