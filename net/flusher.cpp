#include "net/flusher.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include <boost/asio/post.hpp>

#include "actors/turn.hpp"
#include "net/outlet.hpp"

namespace starling::net {

namespace {

// Connections written by one job: enough to make the cost of a job small against that of the system calls, few enough
// to spread the members of a room over the threads.
constexpr std::size_t connections_per_job = 32;

/// The connections of one large push, written lot by lot. A thread that has written one takes its place at the end of
/// the queue again, so that a room of thousands holds up nobody else for longer than a lot or two.
class lots : public std::enable_shared_from_this<lots> {
public:
  lots(boost::asio::io_context& threads, std::vector<std::shared_ptr<outlet>> all)
      : threads_(threads), all_(std::move(all)) {}

  void start() {
    static const unsigned at_once = std::max(1u, std::thread::hardware_concurrency());
    for (unsigned i = 0; i < at_once; ++i)
      post();
  }

private:
  void post() {
    boost::asio::post(threads_, [self = shared_from_this()] { self->write_some(); });
  }

  void write_some() {
    auto begin = next_.fetch_add(connections_per_job);
    if (begin >= all_.size()) return;
    auto end = std::min(all_.size(), begin + connections_per_job);
    for (auto i = begin; i < end; ++i) {
      if (i + 1 < end) all_[i + 1]->expect();
      all_[i]->write();
    }
    if (end < all_.size()) post();
  }

  boost::asio::io_context& threads_;
  std::vector<std::shared_ptr<outlet>> all_;
  std::atomic<std::size_t> next_ = 0;
};

} // namespace

void flusher::push(const std::vector<client*>& to, const frame& what, frame_kind kind) {
  std::vector<std::shared_ptr<outlet>> idle;
  constexpr std::size_t ahead = 4;
  if (!to.empty()) static_cast<outlet&>(*to.front()).count_accepted(to.size());
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (i + ahead < to.size()) static_cast<outlet&>(*to[i + ahead]).expect();
    auto& connection = static_cast<outlet&>(*to[i]);
    if (!connection.enqueue(what, kind)) continue;
    if (idle.capacity() == 0) idle.reserve(to.size());
    idle.push_back(connection.self());
  }
  if (idle.size() > connections_per_job) return std::make_shared<lots>(threads_, std::move(idle))->start();
  for (auto& one : idle)
    write_soon(threads_, std::move(one));
}

void flusher::schedule(outlet& which) { write_soon(threads_, which.self()); }

} // namespace starling::net
