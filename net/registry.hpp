#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "chat/error.hpp"
#include "chat/timing_wheel.hpp"
#include "net/address_places.hpp"

namespace starling::net {

using steady_time = std::chrono::steady_clock::time_point;

/// A connection as the registry sees it. Calls come from any thread and return at once.
class tracked : public std::enable_shared_from_this<tracked> {
public:
  virtual ~tracked() = default;
  /// The time that was asked for by `registry::wake` has come.
  virtual void look() = 0;
  /// Ends the connection after `delay`, with a word to the client if its protocol has one.
  virtual void leave(close_code code, std::string reason, std::chrono::milliseconds delay) = 0;
  virtual bool is_websocket() const = 0;
  /// What waits to be written, so far as it is counted: adds to both.
  virtual void count_waiting(std::size_t& frames, std::size_t& bytes) const = 0;
};

/// All connections of a listener, their number bounded, and the one clock that wakes them.
///
/// A timer per connection would cost more memory than the connection's own state; so they share a timing wheel, that
/// the listener turns.
class registry {
public:
  using id = std::uint64_t;

  /// A connection's place; leaving it makes room for another.
  class seat {
  public:
    seat(registry& where, id which) : where_(&where), id_(which) {}
    seat(seat&& other) noexcept : where_(std::exchange(other.where_, nullptr)), id_(other.id_) {}
    seat& operator=(seat&&) = delete;
    ~seat() {
      if (where_) where_->remove(id_);
    }
    /// Makes `who` the one that is woken. The connection that upgrades keeps its seat.
    void take(std::weak_ptr<tracked> who) { where_->assign(id_, std::move(who)); }
    /// Asks for a `look` at `when`, or a tick later.
    void wake(steady_time when) { where_->wake(id_, when); }
    /// Takes the place among those of its address, and gives back the one that it had.
    void count_for(address_places::place place) { where_->count_for(id_, std::move(place)); }
    /// The address that it is counted for; nobody, if it is a proxy's that forwards for nobody.
    std::optional<ip_address> client() const { return where_->client(id_); }

  private:
    registry* where_;
    id id_;
  };

  registry(std::size_t connections_max, std::chrono::milliseconds tick);

  /// Empty: the bound is reached.
  std::optional<seat> admit(address_places::place of = {});
  /// Calls `look` of all whose time has come.
  void turn(steady_time now);
  std::vector<std::shared_ptr<tracked>> all() const;
  std::size_t size() const;

private:
  void assign(id which, std::weak_ptr<tracked> who);
  void wake(id which, steady_time when);
  void count_for(id which, address_places::place place);
  std::optional<ip_address> client(id which) const;
  void remove(id which);

  struct entry {
    std::weak_ptr<tracked> who;
    address_places::place of;
  };

  const std::size_t connections_max_;
  mutable std::mutex mutex_;
  id last_id_ = 0;
  std::unordered_map<id, entry> connections_;
  timing_wheel<id> wheel_;
  steady_time turned_at_; // the wheel's own time
};

} // namespace starling::net
