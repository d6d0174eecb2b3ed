#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <caf/fwd.hpp>

namespace starling {

/// Something that has bytes for a socket.
class writer {
public:
  virtual void write() = 0;

protected:
  ~writer() = default;
};

/// One round of work of a thread in the pool: the events that are there, the actors that these make ready, and then the
/// writes. It comes round again before it sleeps.
///
/// As jobs of their own, each of these steps would cost a look at all sockets, and each frame a system call; done in
/// turns, what one round leaves for a connection goes out in one write.
class turn {
public:
  /// Runs actors on the calling thread; `messages_max` is how many one handles before the next has its turn.
  turn(boost::asio::io_context& io, caf::execution_unit& unit, std::size_t messages_max);
  ~turn();
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;

  /// The calling thread's; null if it is none of this pool's.
  static turn* of_thread(const boost::asio::io_context& pool);

  /// Takes an actor that has messages (and the reference that comes with it). False: there are many already, it is
  /// better given to another thread.
  bool take(caf::resumable* actor);
  /// Has `what` written when this round's actors have run.
  void write_at_end(std::shared_ptr<writer> what) { writes_.push_back(std::move(what)); }

  /// Works until the pool is stopped. Returns the actors that have not had their turn.
  std::deque<caf::resumable*> run();

private:
  void run_actors(std::chrono::steady_clock::time_point end);
  void run_writes();

  boost::asio::io_context& io_;
  caf::execution_unit& unit_;
  std::size_t messages_max_;
  std::deque<caf::resumable*> ready_;
  std::vector<std::shared_ptr<writer>> writes_, writing_;
};

/// Runs one actor; true if it has more to do.
bool run_actor(caf::resumable* actor, caf::execution_unit& unit, std::size_t messages_max);

/// Has `what` written at the end of the round under way, or soon where there is none.
void write_soon(boost::asio::io_context& pool, std::shared_ptr<writer> what);

} // namespace starling
