#include "actors/actor_record.hpp"

#include <algorithm>
#include <bit>

#include <boost/core/demangle.hpp>
#include <caf/type_nr.hpp>
#include <time.h>

#include "actors/slow_messages.hpp"

namespace starling {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr unsigned first_duration_bits = 9; // 512 ns

/// For counters that only the actor itself writes: no other core has to be asked.
template <class T>
void add(std::atomic<T>& counter, T amount) {
  counter.store(counter.load(relaxed) + amount, relaxed);
}

} // namespace

thread_local actor_record* current_actor = nullptr;

std::string name_of(message_type type) {
  if (type == 0) return {};
  // CAF numbers its own types; a number is no address.
  if (type < caf::type_nrs) return caf::numbered_type_names[type - 1];
  auto name = boost::core::demangle(reinterpret_cast<const std::type_info*>(type)->name());
  constexpr std::string_view ours = "starling::";
  return name.starts_with(ours) ? name.substr(ours.size()) : name;
}

std::uint32_t coarse_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint32_t>(now.tv_sec * 1'000 + now.tv_nsec / 1'000'000);
}

std::size_t actor_detail::duration_index(std::uint64_t took_ns) {
  auto bits = static_cast<std::size_t>(std::bit_width(took_ns >> first_duration_bits));
  return std::min(bits, durations_max - 1);
}

std::uint64_t actor_detail::duration_bound_ns(std::size_t index) {
  return std::uint64_t{1} << (first_duration_bits + index);
}

void actor_record::note_arrival() {
  const auto number = received.fetch_add(1, relaxed);
  if (auto* more = detail.load(std::memory_order_acquire))
    more->arrivals[number % actor_detail::arrivals_max].store(coarse_ms(), relaxed);
  else if (number == handled.load(relaxed))
    first_waiting.store(number << 32 | coarse_ms(), relaxed);
}

void actor_record::note_begin(message_type type, std::int64_t now_ns) {
  handling.store(type, relaxed);
  handling_since.store(now_ns, relaxed);
}

void actor_record::note_if_slow(std::uint64_t number, std::uint64_t took_ns) {
  const auto came = arrival_of(number);
  const auto since_ms = came == 0 ? 0 : std::max<std::int32_t>(0, static_cast<std::int32_t>(coarse_ms() - came));
  const auto all =
      std::max(std::chrono::nanoseconds(std::chrono::milliseconds(since_ms)), std::chrono::nanoseconds(took_ns));
  if (all < slow_messages::slow) return;
  slow_messages::instance().add(kind, name, name_of(handling.load(relaxed)), all - std::chrono::nanoseconds(took_ns),
                                std::chrono::nanoseconds(took_ns));
}

void actor_record::note_end(std::int64_t began_ns, std::int64_t now_ns) {
  const auto took = static_cast<std::uint64_t>(now_ns - began_ns);
  const auto number = handled.load(relaxed);
  handling_since.store(0, relaxed);
  add(busy_ns, took);
  if (took > longest_ns.load(relaxed)) longest_ns.store(took, relaxed);
  if (auto* more = detail.load(relaxed)) {
    auto& last = more->recent[number % actor_detail::recent_max];
    last.type.store(handling.load(relaxed), relaxed);
    last.at.store(coarse_ms(), relaxed);
    last.took_us.store(static_cast<std::uint32_t>(std::min<std::uint64_t>(took / 1'000, UINT32_MAX)), relaxed);
    add(more->durations[actor_detail::duration_index(took)], 1u);
    note_if_slow(number, took);
  } else {
    if (took >= slow_messages::slow_ns) note_if_slow(number, took);
    if (number + 1 == actor_detail::made_at) detail.store(new actor_detail, std::memory_order_release);
  }
  handled.store(number + 1, relaxed);
}

void actor_record::note_error(const char* what) {
  add(errors, 1u);
  last_error.store(what, relaxed);
  last_error_at.store(coarse_ms(), relaxed);
}

void note_error_here(std::string_view what) {
  if (current_actor) current_actor->note_error(what.data());
}

std::uint64_t actor_record::waiting() const {
  const auto done = handled.load(relaxed) + (handling_since.load(relaxed) != 0 ? 1 : 0);
  const auto came = received.load(relaxed);
  return came > done ? came - done : 0;
}

std::uint32_t actor_record::arrival_of(std::uint64_t number) const {
  if (auto* more = detail.load(std::memory_order_acquire)) {
    if (received.load(relaxed) > number + actor_detail::arrivals_max) return 0;
    return more->arrivals[number % actor_detail::arrivals_max].load(relaxed);
  }
  const auto first = first_waiting.load(relaxed);
  return static_cast<std::uint32_t>(first >> 32) == static_cast<std::uint32_t>(number)
             ? static_cast<std::uint32_t>(first)
             : 0;
}

std::uint64_t actor_record::oldest_ms() const {
  const auto waits = waiting();
  if (waits == 0) return 0;
  const auto came = received.load(relaxed);
  const auto kept =
      detail.load(std::memory_order_acquire) ? std::min<std::uint64_t>(waits, actor_detail::arrivals_max) : waits;
  auto at = arrival_of(came - kept);
  // Not known: then it waits at least as long as the handler that keeps it from its turn runs.
  if (at == 0) {
    const auto since = handling_since.load(relaxed);
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    return since == 0 || since > now ? 0 : static_cast<std::uint64_t>(now - since) / 1'000'000;
  }
  const auto age = static_cast<std::int32_t>(coarse_ms() - at);
  return age > 0 ? static_cast<std::uint64_t>(age) : 0;
}

} // namespace starling
