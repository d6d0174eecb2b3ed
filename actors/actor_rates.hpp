#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace starling {

struct actor_record;

struct actor_rate {
  double messages_per_second = 0;
  double busy = 0; // of the time; 1: always
};

/// What actors do per second: the counters against a sample of them all, which is taken anew by those who look.
class actor_rates {
public:
  using time_point = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::milliseconds fresh{400}; // a younger sample is kept: others may be looking too
  static constexpr std::chrono::seconds stale{60};       // an older one tells nothing of now

  /// Looks at all actors between `begin` and `end`: `look` at each, in any order.
  void begin(time_point now);
  std::optional<actor_rate> look(const actor_record& actor);
  void end();

  /// What the rates of this look are over; 0: there was no sample yet.
  std::chrono::milliseconds window() const { return window_; }

  std::mutex& mutex() { return mutex_; } // held by those who look

private:
  struct sample {
    std::uint64_t id, handled, busy_ns;
  };
  struct part {
    std::vector<sample> before; // by id
    std::vector<sample> now;
    std::size_t next = 0; // in `before`: most actors come in order
  };
  const sample* find(part& in, std::uint64_t id);

  std::mutex mutex_;
  std::array<part, 16> parts_; // as many as the directory has, which goes through them in turn
  time_point taken_{}, now_{};
  std::chrono::milliseconds window_{0};
  bool take_ = false;
};

} // namespace starling
