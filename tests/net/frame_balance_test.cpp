// accepted = delivered + waiting + dropped, whatever becomes of a frame.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <vector>

#include <catch2/catch.hpp>

#include "net/flusher.hpp"
#include "net/metrics.hpp"
#include "net/outlet.hpp"

using namespace starling;
using namespace starling::net;

namespace {

constexpr std::size_t outbox_bytes = 64 * 1024;

/// A connection of which there is only the way out, to a socket that is read when the test says so.
class way_out final : public outlet {
public:
  way_out(flusher& writes, traffic& counts) : outlet(writes, counts, outbox_bytes) {
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends_.data()) == 0);
    attach(ends_[0]);
  }
  ~way_out() override {
    for (auto end : ends_)
      ::close(end);
  }

  void close(close_code code, std::string_view reason) override { finish(code, reason, make_text_frame("last words")); }
  void resume_reading() override {}
  void look() override {}
  void leave(close_code, std::string, std::chrono::milliseconds) override {}
  bool is_websocket() const override { return true; }
  using outlet::detach;

  void read_all() {
    std::array<char, 4096> some;
    while (recv(ends_[1], some.data(), some.size(), 0) > 0) {
    }
  }
  bool full = false; // the socket takes no more

private:
  void wait_writable() override { full = true; }
  void on_broken() override {}
  void on_finishing() override {}
  void on_finished() override {}
  void release_socket() override {}

  std::array<int, 2> ends_{-1, -1};
};

struct balance {
  std::size_t accepted = 0, delivered = 0, waiting = 0, half_full = 0, full = 0, closed = 0;
  std::size_t dropped() const { return half_full + full + closed; }
  bool holds() const { return accepted == delivered + waiting + dropped(); }
};

struct fixture {
  boost::asio::io_context threads;
  flusher writes{threads};
  traffic counts;
  std::vector<std::shared_ptr<way_out>> all;

  way_out& add() { return *all.emplace_back(std::make_shared<way_out>(writes, counts)); }
  void run() {
    threads.restart();
    threads.run();
  }
  /// Reads until nothing waits.
  void read(way_out& from) {
    while (from.full) {
      from.read_all();
      from.full = false;
      from.write();
    }
  }
  /// Pushes what the socket and half the outbox take.
  void fill(way_out& what) {
    for (std::size_t frames = 0, bytes = 0; bytes < outbox_bytes / 2;) {
      what.push(make_text_frame(std::string(1000, 'x')), frame_kind::lasting);
      run();
      frames = bytes = 0;
      what.count_waiting(frames, bytes);
    }
  }
  balance now() const {
    std::size_t frames = 0, bytes = 0;
    for (auto& one : all)
      one->count_waiting(frames, bytes);
    return {counts.frames_accepted, counts.frames_out, frames, counts.drops[0], counts.drops[1], counts.drops[2]};
  }
};

} // namespace

TEST_CASE("every frame that was written was accepted once", "[outlet]") {
  fixture f;
  std::vector<client*> to;
  for (int i = 0; i < 3; ++i)
    to.push_back(&f.add());
  f.writes.push(to, make_text_frame("for all"), frame_kind::lasting);
  f.all[0]->push(make_text_frame("for one"), frame_kind::ephemeral);
  f.all[0]->push_now(make_text_frame("at once"));
  f.all[0]->hold();
  f.all[0]->push(make_text_frame("held"), frame_kind::lasting);
  CHECK(f.now().waiting == 6);
  CHECK(f.now().holds());
  f.all[0]->release(make_text_frame("first"));
  f.all[1]->hold();
  f.all[1]->release(nullptr);
  f.run();
  CHECK(f.now().delivered == 7);
  CHECK(f.now().waiting == 0);
  CHECK(f.now().holds());
}

TEST_CASE("a place that is kept for an answer is no frame, whether one comes or the connection ends", "[outlet]") {
  fixture f;
  auto& one = f.add();
  auto place = std::make_shared<const std::string>(), never = std::make_shared<const std::string>();
  one.hold();
  one.keep_place(place);
  one.keep_place(never);
  CHECK(f.now().waiting == 0);
  one.push(make_text_frame("held"), frame_kind::lasting);
  one.release(make_text_frame("answer"), place);
  f.run();
  CHECK(f.now().delivered == 2);
  CHECK(f.now().holds());
  one.hold();
  one.keep_place(place);
  one.push(make_text_frame("held"), frame_kind::lasting);
  one.close(close_code::policy, "");
  one.release(make_text_frame("answer"), place);
  CHECK(f.now().holds());
  one.detach();
  CHECK(f.now().waiting == 0);
  CHECK(f.now().holds());
}

TEST_CASE("what a half full outbox drops is in the balance", "[outlet]") {
  fixture f;
  auto& slow = f.add();
  f.fill(slow);
  CHECK(f.now().waiting > 10);
  for (int i = 0; i < 10; ++i)
    slow.push(make_text_frame(std::string(1000, 'x')), frame_kind::ephemeral);
  CHECK(f.now().half_full >= 9);
  CHECK(f.now().holds());
  f.read(slow);
  CHECK(f.now().waiting == 0);
  CHECK(f.now().holds());
}

TEST_CASE("what a full outbox throws away is in the balance, and the close frame too", "[outlet]") {
  fixture f;
  auto& slow = f.add();
  f.fill(slow);
  auto what = make_text_frame(std::string(1000, 'x'));
  std::vector<client*> to{&slow};
  while (f.now().full == 0)
    f.writes.push(to, what, frame_kind::lasting);
  CHECK(f.now().full > 10);
  CHECK(f.now().waiting >= 1); // the close frame, and what has left in part
  CHECK(f.now().holds());
  slow.push(what, frame_kind::lasting);
  slow.release(nullptr);
  CHECK(f.now().closed == 1);
  CHECK(f.now().holds());
  SECTION("the client reads on") { f.read(slow); }
  SECTION("the client goes") { slow.detach(); }
  CHECK(f.now().waiting == 0);
  CHECK(f.now().holds());
}

TEST_CASE("frames that wait when their connection ends are in the balance", "[outlet]") {
  fixture f;
  auto& slow = f.add();
  f.fill(slow);
  slow.hold();
  slow.push(make_text_frame("held"), frame_kind::lasting);
  slow.close(close_code::going_away, "this node is leaving");
  auto waiting = f.now().waiting;
  CHECK(f.now().holds());
  slow.detach();
  CHECK(f.now().closed == waiting);
  CHECK(f.now().waiting == 0);
  slow.push(make_text_frame("too late"), frame_kind::lasting);
  CHECK(f.now().closed == waiting + 1);
  CHECK(f.now().holds());
  f.all.clear(); // nothing of it is left behind
  CHECK(f.now().holds());
}
