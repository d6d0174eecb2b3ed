#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "net/client_address.hpp"

namespace starling::net {

/// Addresses from which sessions were refused, each with their number in the minute that began with the first. Whoever
/// tries tokens until one fits is stopped here. Used from any thread; the time comes from outside.
class refused_opens {
public:
  using time_point = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::seconds remembered{60};
  /// Beyond, the address that was refused first is forgotten: who has so many addresses has no need to wait.
  static constexpr std::size_t addresses_max = 10'000;

  explicit refused_opens(std::size_t per_minute) : per_minute_(per_minute) {}

  void add(const ip_address& who, time_point now);
  /// How long this address must wait until it may try again; nothing if it need not.
  std::optional<std::chrono::seconds> wait_of(const ip_address& who, time_point now);
  std::size_t addresses() const;

private:
  struct entry {
    time_point until;
    std::size_t count = 0;
  };

  void forget(time_point now);

  const std::size_t per_minute_;
  mutable std::mutex mutex_;
  std::unordered_map<ip_address, entry> entries_;
  std::deque<ip_address> order_; // of their first refusal, and so of their end
};

} // namespace starling::net
