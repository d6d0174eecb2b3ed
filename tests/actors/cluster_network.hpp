#pragma once

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>

#include <caf/actor_proxy.hpp>
#include <caf/io/middleman_actor.hpp>

#include "actors/membership.hpp"
#include "stepped_system.hpp"

/// Processes of a cluster and the network between them, in one thread, under clocks that the test moves.
namespace cluster_test {

using namespace starling;
using namespace std::chrono_literals;

/// What the sockets and timers of a process have to do. Outlives its actors, who may add to it until they have ended.
struct socket_work {
  std::deque<std::function<void()>> posted;
  std::multimap<milliseconds, std::function<void()>> timers; // by the process' own time
};

/// A process: an actor system and a clock of its own, and whatever its sockets have to do.
class process : private socket_work, public stepped_system {
public:
  process() = default;
  virtual ~process() = default;
  process(const process&) = delete;

  std::size_t ready() const { return frozen_ ? 0 : sched.jobs.size() + posted.size(); }
  void run(std::size_t which);
  void post(std::function<void()> work) { posted.push_back(std::move(work)); }
  void post_after(milliseconds wait, std::function<void()> work) { timers.emplace(now_ + wait, std::move(work)); }
  /// For a frozen process, time passes when it thaws.
  void pass(milliseconds time);
  void freeze() { frozen_ = true; }
  void thaw();
  bool frozen() const { return frozen_; }

  bool gone = false; // has ended for all others; what still runs in it is heard by nobody
  // Its cable: what it sends, and what is sent to it, waits while that is cut.
  bool cut_out = false;
  bool cut_in = false;

protected:
  /// Runs what there is until the actors have ended, who must have been told to.
  void run_down();

private:
  bool frozen_ = false;
  milliseconds now_{0}, missed_{0};
};

class wire;

/// Stands in one process for an actor of the other, as the middleman's proxies do.
class remote : public caf::actor_proxy {
public:
  remote(caf::actor_config& cfg, wire& over, std::size_t end, caf::strong_actor_ptr stands_for)
      : actor_proxy(cfg), wire_(&over), end_(end), real_(std::move(stands_for)) {}

  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit* context) override;
  void kill_proxy(caf::execution_unit* context, caf::error reason) override;
  /// The other process is no more; this one may not know it yet.
  void sever() { real_ = nullptr; }

private:
  wire* wire_;
  std::size_t end_;
  caf::strong_actor_ptr real_;
};

/// A connection between two processes: keeps the order of each direction, and ends on each side by itself.
class wire {
public:
  static constexpr std::size_t node_end = 0, master_end = 1;

  wire(process& node, process& master) {
    ends_[node_end].at = &node;
    ends_[master_end].at = &master;
  }
  wire(const wire&) = delete;
  ~wire();

  bool joins(const process& node) const { return ends_[node_end].at == &node && whole(); }
  bool whole() const { return ends_[node_end].open && ends_[master_end].open; }
  bool over() const { return !ends_[node_end].open && !ends_[master_end].open; }
  /// At an end, for an actor of the other.
  caf::strong_actor_ptr proxy(std::size_t end, const caf::strong_actor_ptr& real);
  void send(std::size_t to_end, const caf::strong_actor_ptr& from, const caf::strong_actor_ptr& to, caf::message_id mid,
            caf::message content);
  bool can_deliver(std::size_t end) const;
  /// The next message, or behind the last one: that the other side has hung up.
  void deliver(std::size_t end);
  /// A side that has heard nothing for as long as the middleman waits hangs up.
  void pass(milliseconds time);
  void hang_up(std::size_t end);
  /// The process has ended. Its kernel hangs up, or is gone too: then nothing is heard of it any more.
  void lose(const process& gone, bool silently);

private:
  struct parcel {
    caf::strong_actor_ptr from, to; // as the receiving process knows them
    caf::message_id mid;
    caf::message content;
  };
  struct side {
    process* at = nullptr; // null: that process has ended
    bool open = true;
    bool end_comes = false; // behind the last message
    std::deque<parcel> coming;
    milliseconds silent{0};
    std::map<caf::actor_id, caf::strong_actor_ptr> proxies;
  };
  bool is_cut(std::size_t towards) const;

  side ends_[2];
  bool dead_silent_ = false;
};

struct made_connection {
  caf::strong_actor_ptr master = nullptr; // as the node's process knows it; null: nobody listens
};

/// All connections, and where the master listens.
class network {
public:
  /// Whom nodes find at the master's address; null: nobody listens.
  void publish(process* at, caf::strong_actor_ptr master);
  /// `at` has ended: before its actors do.
  void lose(process& at, bool silently);

  /// What the membership of a node in `at` needs.
  membership_world world_of(process& at, std::function<std::uint64_t()> incarnation, std::uint64_t seed);

  std::size_t ready() const;
  void run(std::size_t which);
  void pass(milliseconds time);
  /// From one side only; the other learns of it as far as the network lets it.
  void break_connection(process& node);

private:
  enum class way { open, refused, stuck };
  way to_master(const process& from) const;
  /// Nothing while there is no way.
  std::optional<made_connection> connect(process& from);
  void reach(process& from, milliseconds deadline, std::function<void(reached)> done);

  process* master_at_ = nullptr;
  caf::strong_actor_ptr master_;
  std::list<wire> wires_;
};

} // namespace cluster_test
