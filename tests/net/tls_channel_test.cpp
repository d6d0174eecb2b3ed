// One connection of TLS without a server around it: what a socket that is full, or a client that sends more than it is
// asked for, leaves behind in it.
#include <array>
#include <future>
#include <thread>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>

#include "net/flusher.hpp"
#include "net/metrics.hpp"
#include "net/outlet.hpp"
#include "net/tls_channel.hpp"
#include "tls_fixture.hpp"

using namespace starling;
using namespace starling::net;
using namespace starling::net::test;

namespace {

constexpr std::size_t less_than_a_record = 16'000;

/// Listens at a port of its own on loopback.
class door {
public:
  door() {
    sockaddr_in any{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    REQUIRE(bind(descriptor_, reinterpret_cast<sockaddr*>(&any), sizeof any) == 0);
    REQUIRE(listen(descriptor_, 1) == 0);
    socklen_t size = sizeof any;
    REQUIRE(getsockname(descriptor_, reinterpret_cast<sockaddr*>(&any), &size) == 0);
    port = ntohs(any.sin_port);
  }
  ~door() { ::close(descriptor_); }
  int accept() const { return accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC); }

  std::uint16_t port = 0;

private:
  int descriptor_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

/// A client and the server's end of its connection, whose socket takes less than a record at once.
class line {
public:
  line() : client(door_.port, {.receive_buffer_bytes = 1}), descriptor(door_.accept()) {
    const int smallest = 1;
    REQUIRE(setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest) == 0);
    channel = std::make_unique<tls_channel>(*context_, descriptor);
    auto greeted = std::async(std::launch::async, [this] { return client.shake_hands(); });
    auto step = tls_channel::step::wait_readable;
    while (step == tls_channel::step::wait_readable || step == tls_channel::step::wait_writable) {
      REQUIRE(can(step == tls_channel::step::wait_readable ? POLLIN : POLLOUT));
      step = channel->shake_hands();
    }
    REQUIRE(step == tls_channel::step::done);
    REQUIRE(greeted.get());
  }
  ~line() { ::close(descriptor); }

  /// Waits until the socket can be read, or written.
  bool can(short what) const {
    pollfd one{descriptor, what, 0};
    return poll(&one, 1, 10'000) == 1;
  }
  /// What the channel reads, into so much room; "-" if nothing is there.
  std::string read(std::size_t room) const {
    std::string into(room, '\0');
    boost::system::error_code why;
    into.resize(channel->read_some(into, why));
    if (why == boost::asio::error::would_block) return "-";
    REQUIRE_FALSE(why);
    return into;
  }

private:
  door door_;
  std::shared_ptr<const tls_context> context_ = context_of("one");

public:
  tls_client client;
  int descriptor;
  std::unique_ptr<tls_channel> channel;
};

/// A connection of which there is only the way out.
class way_out final : public outlet {
public:
  way_out(flusher& writes, traffic& counts, line& over) : outlet(writes, counts, 1024 * 1024) {
    attach(over.descriptor, std::move(over.channel));
  }

  void close(close_code, std::string_view) override {}
  void resume_reading() override {}
  void look() override {}
  void leave(close_code, std::string, std::chrono::milliseconds) override {}
  bool is_websocket() const override { return true; }

  bool waits = false; // for the socket

private:
  void wait_writable() override { waits = true; }
  void on_broken() override { FAIL("the socket is gone"); }
  void on_finishing() override {}
  void on_finished() override {}
  void release_socket() override {}
};

} // namespace

TEST_CASE("the end of a record that a full socket has not taken follows when it can", "[tls]") {
  line l;
  boost::asio::io_context threads;
  flusher writes{threads};
  traffic counts;
  const auto connection = std::make_shared<way_out>(writes, counts, l);
  auto& out = *connection;
  const std::string text(less_than_a_record, 'x');
  out.push(make_text_frame(text), frame_kind::lasting);
  threads.poll();
  CHECK(counts.frames_out == 1); // it was taken
  REQUIRE(out.waits);
  auto read = std::async(std::launch::async, [&] { return l.client.next_text(); });
  while (std::exchange(out.waits, false)) {
    REQUIRE(l.can(POLLOUT));
    out.write();
  }
  CHECK(read.get() == text);
}

TEST_CASE("what a read has left in OpenSSL is not waited for at the socket", "[tls]") {
  line l;
  SECTION("since there was no room for it") {
    l.client.send("0123456789");
    REQUIRE(l.can(POLLIN));
    CHECK(l.read(4) == "0123");
    CHECK(l.channel->holds_more());
    CHECK(l.read(4) == "4567");
    CHECK(l.channel->holds_more());
    CHECK(l.read(4) == "89");
  }
  SECTION("since it stood behind a record that is not for us") {
    l.client.update_keys(1, "behind");
    REQUIRE(l.can(POLLIN));
    auto got = l.read(100);
    while (got == "-" && l.channel->holds_more())
      got = l.read(100);
    CHECK(got == "behind");
  }
  CHECK(l.read(100) == "-");
  CHECK_FALSE(l.channel->holds_more());
}
