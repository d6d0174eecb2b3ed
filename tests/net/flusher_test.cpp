#include "net/flusher.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <thread>
#include <vector>

#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

#include "net/metrics.hpp"
#include "net/outlet.hpp"

using namespace starling;
using namespace starling::net;

namespace {

/// A connection of which there is only the way out.
class way_out final : public outlet {
public:
  way_out(flusher& writes, traffic& counts, int descriptor) : outlet(writes, counts, 1024) { attach(descriptor); }

  void close(close_code, std::string_view) override {}
  void resume_reading() override {}
  void look() override {}
  void leave(close_code, std::string, std::chrono::milliseconds) override {}
  bool is_websocket() const override { return true; }

private:
  void wait_writable() override { FAIL("the test reads too little"); }
  void on_broken() override { FAIL("the socket is gone"); }
  void on_finishing() override {}
  void on_finished() override {}
  void release_socket() override {}
};

/// Many connections, all with the same socket, and a pool in which nothing runs but what the test runs.
class hall {
public:
  explicit hall(std::size_t connections) {
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_.data()) == 0);
    for (std::size_t i = 0; i < connections; ++i)
      all_.push_back(std::make_shared<way_out>(writes, counts_, ends_[0]));
  }
  ~hall() {
    for (auto end : ends_)
      ::close(end);
  }

  void push_to_all() {
    std::vector<client*> to;
    for (auto& each : all_)
      to.push_back(each.get());
    writes.push(to, make_text_frame("to all"), frame_kind::lasting);
  }
  std::size_t written() const { return counts_.frames_out; }
  /// Runs one thing that is to be done; false if there is none.
  bool step() {
    if (threads.poll_one() == 0) return false;
    std::array<char, 4096> some;
    while (recv(ends_[1], some.data(), some.size(), 0) > 0) {
    }
    return true;
  }

  boost::asio::io_context threads;
  flusher writes{threads};

private:
  traffic counts_;
  std::array<int, 2> ends_{-1, -1};
  std::vector<std::shared_ptr<way_out>> all_;
};

constexpr std::size_t lot = 32;

// What the threads take up at once, and some hundreds more.
std::size_t many() { return lot * (std::max(1u, std::thread::hardware_concurrency()) + 10); }

} // namespace

TEST_CASE("a large push lets in between what comes after it has begun", "[flusher]") {
  hall h{many()};
  h.push_to_all();
  std::size_t written_before = many();
  boost::asio::post(h.threads, [&] { written_before = h.written(); });
  while (h.step()) {
  }
  CHECK(written_before <= many() - 10 * lot);
  CHECK(h.written() == many());
}

TEST_CASE("a large push lets in something after each lot", "[flusher]") {
  hall h{many()};
  h.push_to_all();
  while (h.written() == 0)
    REQUIRE(h.step());
  // Each time there is one more thing to do, it is done before a further round of lots.
  const auto at_once = lot * std::max(1u, std::thread::hardware_concurrency());
  while (h.written() < many()) {
    bool done = false;
    auto before = h.written();
    boost::asio::post(h.threads, [&] { done = true; });
    while (!done) {
      auto so_far = h.written();
      REQUIRE(h.step());
      CHECK(h.written() - so_far <= lot);
    }
    REQUIRE(h.written() - before <= at_once);
    REQUIRE(h.written() > before);
  }
}
