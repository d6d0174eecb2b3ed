#pragma once

#include <algorithm>
#include <bit>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace starling {

/// Many timeouts in one place: a hashed timing wheel (Varghese and Lauck, scheme 6). Scheduling is O(1); a sweep costs
/// the entries in the slots that it passes, so a turn of the wheel (tick * slots) that is longer than most delays is
/// cheapest. An entry costs `sizeof(T)` and 8 bytes. All memory goes back when the wheel is empty.
///
/// There is no cancelling: whoever gets an entry back looks whether it still means something (its owner lives, nothing
/// was heard since), and schedules it again if it is not yet time. So an owner has one entry, not one per event, and
/// that bounds the wheel. Time comes from outside; not thread-safe.
template <class T>
class timing_wheel {
public:
  using duration = std::chrono::milliseconds;

  /// Both are above 0; `slots` is rounded up to a power of two, so that slots still fit ticks when those wrap around.
  timing_wheel(duration tick, std::size_t slots) : tick_(tick), slots_(std::bit_ceil(slots), none) {
    assert(tick > duration::zero() && slots > 0);
  }

  /// Gives `value` back from the first sweep that ends `delay` or later after now, rounded up to a tick. Now is the end
  /// of the last sweep, also from within one: who sweeps once per tick may get an entry back up to a tick too early.
  /// Delays of more than 2^31 ticks are cut to that.
  void schedule(T value, duration delay) {
    auto ticks = (std::clamp(delay, duration::zero(), tick_ * ticks_max) + rest_ + tick_ - duration(1)) / tick_;
    auto due = now_ + static_cast<std::uint32_t>(std::clamp<std::int64_t>(ticks, 1, ticks_max));
    auto index = free_;
    if (index == none) {
      assert(nodes_.size() < none);
      index = static_cast<std::uint32_t>(nodes_.size());
      nodes_.push_back({std::move(value), due, none});
    } else {
      free_ = nodes_[index].next;
      nodes_[index].value = std::move(value);
      nodes_[index].due = due;
    }
    link(index);
    ++size_;
  }

  /// Moves the time on by `elapsed` and gives each entry that is due to `expired(T)`, in no particular order. That may
  /// schedule, but not advance, and not throw. After a long pause each slot is visited once, not once per tick.
  template <class F>
  void advance(duration elapsed, F&& expired) {
    rest_ += std::clamp(elapsed, duration::zero(), tick_ * (ticks_max - 1));
    auto ticks = rest_ / tick_;
    rest_ %= tick_;
    auto first = now_ + 1;
    now_ += static_cast<std::uint32_t>(ticks);
    auto visits = std::min<std::int64_t>(ticks, static_cast<std::int64_t>(slots_.size()));
    for (std::int64_t i = 0; i < visits && size_ > 0; ++i)
      sweep(first + static_cast<std::uint32_t>(i), expired);
    if (size_ == 0) {
      nodes_ = std::vector<entry>(); // `= {}` would keep the memory
      free_ = none;
    }
  }

  std::size_t size() const { return size_; }
  /// Memory of the entries, free ones included; none when empty.
  std::size_t heap_bytes() const { return nodes_.capacity() * sizeof(entry); }

private:
  static constexpr auto none = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::int64_t ticks_max = std::numeric_limits<std::int32_t>::max();

  // The entries of a slot are a list within one vector, as are the free ones: no memory of their own for slots.
  struct entry {
    T value;
    std::uint32_t due; // in ticks, modulo 2^32
    std::uint32_t next;
  };

  void link(std::uint32_t index) {
    auto& head = slots_[nodes_[index].due % slots_.size()];
    nodes_[index].next = std::exchange(head, index);
  }

  template <class F>
  void sweep(std::uint32_t tick, F& expired) {
    // The list is taken off first: what `expired` schedules may come into the same slot.
    auto index = std::exchange(slots_[tick % slots_.size()], none);
    while (index != none) {
      auto next = nodes_[index].next;
      if (static_cast<std::int32_t>(nodes_[index].due - now_) > 0) {
        link(index); // in a later turn of the wheel
      } else {
        auto value = std::move(nodes_[index].value);
        nodes_[index].next = std::exchange(free_, index);
        --size_;
        expired(std::move(value)); // may move the nodes
      }
      index = next;
    }
  }

  duration tick_;
  duration rest_{0};                 // of the time that has passed: less than a tick
  std::vector<std::uint32_t> slots_; // first node of each
  std::vector<entry> nodes_;
  std::uint32_t free_ = none;
  std::uint32_t now_ = 0; // in ticks, modulo 2^32
  std::size_t size_ = 0;
};

} // namespace starling
