#include "net/flusher.hpp"

#include <utility>

#include <boost/asio/post.hpp>

#include "actors/turn.hpp"
#include "net/outlet.hpp"

namespace starling::net {

namespace {

// Connections written by one job: enough to make the cost of a job small against that of the system calls, few enough
// to spread the members of a room over the threads.
constexpr std::size_t connections_per_job = 32;

using lot = std::vector<std::shared_ptr<outlet>>;

void post_lot(boost::asio::io_context& threads, lot some) {
  boost::asio::post(threads, [some = std::move(some)] {
    for (const auto& one : some)
      one->write();
  });
}

} // namespace

void flusher::push(const std::vector<client*>& to, const frame& what, frame_kind kind) {
  lot idle;
  for (auto* one : to) {
    auto& connection = static_cast<outlet&>(*one);
    if (!connection.enqueue(what, kind)) continue;
    if (idle.capacity() == 0) idle.reserve(std::min(to.size(), connections_per_job));
    idle.push_back(connection.self());
    if (idle.size() == connections_per_job) post_lot(threads_, std::exchange(idle, {}));
  }
  for (auto& one : idle)
    write_soon(threads_, std::move(one));
}

void flusher::schedule(outlet& which) { write_soon(threads_, which.self()); }

} // namespace starling::net
