#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "net/client_address.hpp"

namespace starling::net {

/// How many connections each address has, their number bounded. Knows only addresses that have some, of which there are
/// at most as many as connections. Used from any thread.
class address_places {
  struct entry {
    address_places* where;
    ip_address who;
    std::size_t taken = 0;
  };

public:
  /// The place of one connection; leaving it makes room for another of the same address. No larger than a pointer, for
  /// there is one per connection.
  class place {
  public:
    place() = default; // of nobody: not counted
    explicit place(entry& of) : of_(&of) {}
    place(place&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    place& operator=(place&& other) noexcept {
      std::swap(of_, other.of_);
      return *this;
    }
    ~place() {
      if (of_) of_->where->leave(*of_);
    }
    std::optional<ip_address> client() const { return of_ ? std::optional(of_->who) : std::nullopt; }

  private:
    entry* of_ = nullptr;
  };

  explicit address_places(std::size_t per_address) : per_address_(per_address) {}

  /// Nothing: this address has as many as it may.
  std::optional<place> take(const ip_address& who);
  std::size_t addresses() const;

private:
  void leave(entry& of);

  const std::size_t per_address_;
  mutable std::mutex mutex_;
  std::unordered_map<ip_address, entry> entries_; // whose elements stay where they are
};

} // namespace starling::net
