// The proxy through which other tests break networks: one that breaks nothing would pass them all.
#include "tests/support/fault_proxy.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/chat_client.hpp"
#include "tests/support/child_process.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// A socket, gone with this object.
class tcp_end {
public:
  explicit tcp_end(int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) : fd_(fd) {}
  tcp_end(tcp_end&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~tcp_end() {
    if (fd_ >= 0) ::close(fd_);
  }

  int fd() const { return fd_; }
  /// 0, or errno.
  int connect(std::uint16_t port) {
    const auto to = loopback(port);
    return ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 ? 0 : errno;
  }
  void send(const std::string& bytes) {
    REQUIRE(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
  }
  /// Sends as much as the kernel takes without being waited for.
  std::size_t send_what_goes(const std::string& bytes) {
    const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }
  /// Waits for so many bytes; what came if the connection ends before, or nothing comes for long.
  std::string receive(std::size_t bytes) {
    std::string came;
    std::array<char, 65536> buffer;
    while (came.size() < bytes && readable(patience)) {
      const auto got = ::recv(fd_, buffer.data(), std::min(buffer.size(), bytes - came.size()), MSG_DONTWAIT);
      if (got <= 0) break;
      came.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return came;
  }
  bool readable(std::chrono::milliseconds at_most = 0ms) const {
    pollfd it{fd_, POLLIN, 0};
    return poll(&it, 1, static_cast<int>(at_most.count())) == 1;
  }
  /// Waits for the other end's: "fin", "reset", or else.
  std::string wait_end() {
    if (!readable(patience)) return "still there";
    char one;
    const auto got = ::recv(fd_, &one, 1, MSG_DONTWAIT);
    if (got > 0) return "bytes";
    return got == 0 ? "fin" : errno == ECONNRESET ? "reset" : std::to_string(errno);
  }
  void finish() { ::shutdown(fd_, SHUT_WR); }
  /// Closes, by RST.
  void abort() {
    const linger at_once{1, 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(std::exchange(fd_, -1));
  }

private:
  int fd_;
};

/// Both ends of what goes through the proxy.
struct wire {
  tcp_end client, server;
};

class far_side {
public:
  far_side() {
    port_ = server_port();
    const auto here = loopback(port_);
    REQUIRE(bind(listener_.fd(), reinterpret_cast<const sockaddr*>(&here), sizeof here) == 0);
    REQUIRE(listen(listener_.fd(), 16) == 0);
  }
  std::uint16_t port() const { return port_; }
  tcp_end accept() {
    REQUIRE(listener_.readable(patience));
    return tcp_end(::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC));
  }
  wire through(fault_proxy& proxy) {
    tcp_end client;
    REQUIRE(client.connect(proxy.port()) == 0);
    return {std::move(client), accept()};
  }

private:
  tcp_end listener_;
  std::uint16_t port_;
};

bool held(const fault_proxy& proxy, std::size_t to_server, std::size_t to_client) {
  return eventually([&] {
    const auto now = proxy.counts();
    return now.to_server.held == to_server && now.to_client.held == to_client;
  });
}

} // namespace

TEST_CASE("a proxy without faults passes on what comes, both ways, and counts it", "[fault_proxy]") {
  far_side far;
  fault_proxy proxy("127.0.0.1", far.port());
  auto one = far.through(proxy), two = far.through(proxy);
  one.client.send("hello");
  CHECK(one.server.receive(5) == "hello");
  one.server.send("you too");
  CHECK(one.client.receive(7) == "you too");
  const std::string much(300'000, 'x');
  two.client.send(much.substr(0, 100'000)); // what the buffers take, so that sending need not wait for reading
  CHECK(two.server.receive(100'000) == much.substr(0, 100'000));

  const auto now = proxy.counts();
  CHECK(now.accepted == 2);
  CHECK(now.open == 2);
  CHECK(now.chosen == 2);
  CHECK(now.to_server.bytes == 100'005);
  CHECK(now.to_client.bytes == 7);
  CHECK(now.to_client.writes == 1);
  CHECK(now.to_server.held == 0);
}

TEST_CASE("a receiver that does not read holds up nobody else", "[fault_proxy]") {
  far_side far;
  fault_proxy proxy("127.0.0.1", far.port(), {.held_bytes_max = 10'000});
  auto slow = far.through(proxy), other = far.through(proxy);
  std::size_t sent = 0;
  CHECK(eventually([&] {
    while (const auto went = slow.client.send_what_goes(std::string(65'536, 'x')))
      sent += went;
    return proxy.counts().to_server.held == 10'000;
  }));
  other.client.send("quick");
  CHECK(other.server.receive(5) == "quick");
  CHECK(slow.server.receive(sent) == std::string(sent, 'x'));
}

TEST_CASE("the proxy passes on an end, and what comes the other way after it", "[fault_proxy]") {
  far_side far;
  fault_proxy proxy("127.0.0.1", far.port());
  auto half = far.through(proxy);
  half.client.send("the last");
  half.client.finish();
  CHECK(half.server.receive(8) == "the last");
  CHECK(half.server.wait_end() == "fin");
  half.server.send("an answer");
  CHECK(half.client.receive(9) == "an answer");
  half.server.finish();
  CHECK(half.client.wait_end() == "fin");
  CHECK(eventually([&] { return proxy.counts().open == 0; }));

  auto broken = far.through(proxy);
  broken.server.abort();
  CHECK(broken.client.wait_end() == "reset");
  CHECK(eventually([&] { return proxy.counts().open == 0; }));
}

TEST_CASE("a delay holds each byte in one direction for its time and keeps the order", "[fault_proxy]") {
  far_side far;
  fault_proxy proxy("127.0.0.1", far.port());
  auto it = far.through(proxy);
  proxy.inject(flow::to_server, {.delay = 300ms});
  const auto begin = steady::now();
  it.server.send("at once");
  CHECK(it.client.receive(7) == "at once");
  CHECK(steady::now() - begin < 300ms);

  std::string all;
  std::vector<steady::time_point> sent;
  for (int i = 0; i < 20; ++i) {
    const auto text = std::to_string(i) + " ";
    sent.push_back(steady::now());
    it.client.send(text);
    all += text;
  }
  CHECK(it.server.receive(1) == "0");
  CHECK(steady::now() - sent.front() >= 300ms);
  CHECK(it.server.receive(all.size() - 1) == all.substr(1));
  CHECK(steady::now() - sent.back() >= 300ms);

  // The end comes behind what was said before it, and as late.
  it.client.send("bye");
  const auto said = steady::now();
  it.client.finish();
  CHECK(it.server.receive(3) == "bye");
  CHECK(it.server.wait_end() == "fin");
  CHECK(steady::now() - said >= 300ms);
}

TEST_CASE("a delay that is over lets go at once of what it held", "[fault_proxy]") {
  far_side far;
  fault_proxy proxy("127.0.0.1", far.port());
  auto it = far.through(proxy);
  proxy.inject({.delay = 1h});
  it.client.send("soon");
  CHECK(held(proxy, 4, 0));
  CHECK(!it.server.readable());
  proxy.inject({.delay = 1ms});
  CHECK(it.server.receive(4) == "soon");
}

TEST_CASE("a stalled connection stays, holds up to its bound, and gives all of it in order when it heals",
          "[fault_proxy]") {
  far_side far;
  fault_proxy proxy("127.0.0.1", far.port(), {.held_bytes_max = 10'000, .receive_buffer_bytes = 4096});
  proxy.inject({.stall = true}); // and so for connections to come
  auto it = far.through(proxy);
  it.client.send("hello?");
  CHECK(held(proxy, 6, 0));
  CHECK(!it.server.readable());

  // The other direction, filled until the server's kernel takes no more.
  std::string sent;
  auto full = [&] {
    const auto went = it.server.send_what_goes(std::string(1000, static_cast<char>('a' + sent.size() % 26)));
    sent.append(went, static_cast<char>('a' + sent.size() % 26));
    return went == 0;
  };
  auto filled_at = steady::now();
  CHECK(eventually([&] {
    while (!full())
      filled_at = steady::now();
    return proxy.counts().to_client.held == 10'000 && steady::now() - filled_at > 200ms;
  }));
  CHECK(!it.client.readable());
  CHECK(proxy.counts().to_client.held == 10'000);
  CHECK(proxy.counts().open == 1);

  proxy.heal();
  CHECK(it.server.receive(6) == "hello?");
  CHECK(it.client.receive(sent.size()) == sent);
  CHECK(held(proxy, 0, 0));
}

TEST_CASE("a black hole in one direction leaves the other as it is", "[fault_proxy]") {
  far_side far;
  fault_proxy proxy("127.0.0.1", far.port());
  auto it = far.through(proxy);
  proxy.inject(flow::to_client, {.stall = true});
  it.client.send("can you hear me?");
  CHECK(it.server.receive(16) == "can you hear me?");
  it.server.send("I can");
  it.server.finish(); // stands behind it, and is not told either
  CHECK(held(proxy, 0, 5));
  CHECK(!it.client.readable());
  proxy.inject(flow::to_client, {});
  CHECK(it.client.receive(5) == "I can");
  CHECK(it.client.wait_end() == "fin");
}

TEST_CASE("bytes that are cut singly are as many writes, and the same bytes", "[fault_proxy]") {
  far_side far;
  fault_proxy proxy("127.0.0.1", far.port());
  auto it = far.through(proxy);
  proxy.inject({.single_bytes = true});
  std::string text;
  for (int i = 0; i < 300; ++i)
    text += std::to_string(i);
  it.client.send(text);
  CHECK(it.server.receive(text.size()) == text);
  it.server.send(text);
  CHECK(it.client.receive(text.size()) == text);
  const auto now = proxy.counts();
  CHECK(now.to_server.writes == text.size());
  CHECK(now.to_client.writes == text.size());
}

TEST_CASE("a reset ends all connections at both ends by RST, and the next is served", "[fault_proxy]") {
  far_side far;
  fault_proxy proxy("127.0.0.1", far.port());
  auto one = far.through(proxy), two = far.through(proxy);
  one.client.send("some");
  CHECK(one.server.receive(4) == "some"); // it is through before it is broken
  CHECK(proxy.reset() == 2);
  for (auto* end : {&one.client, &one.server, &two.client, &two.server})
    CHECK(end->wait_end() == "reset");
  CHECK(proxy.counts().open == 0);
  auto next = far.through(proxy);
  next.client.send("again");
  CHECK(next.server.receive(5) == "again");
}

TEST_CASE("to a half-open connection the other end seems to live on", "[fault_proxy]") {
  far_side far;
  fault_proxy proxy("127.0.0.1", far.port());
  proxy.inject(flow::to_client, {.half_open = true});
  const auto how = GENERATE(as<std::string>{}, "fin", "reset");
  auto it = far.through(proxy);
  it.server.send("farewell");
  CHECK(it.client.receive(8) == "farewell");
  if (how == "fin") {
    const tcp_end closed(std::move(it.server));
  } else {
    it.server.abort();
  }
  // What is sent now is thrown away; the first of it may still go, and finds the server gone.
  CHECK(eventually([&] {
    it.client.send("are you there?");
    return proxy.counts().to_server.lost > 0;
  }));
  CHECK(!it.client.readable());
  CHECK(proxy.counts().open == 1);
  proxy.heal();
  CHECK(it.client.wait_end() == "reset");
  CHECK(eventually([&] { return proxy.counts().open == 0; }));
}

TEST_CASE("newcomers may be reset or refused while those who are there stay", "[fault_proxy]") {
  far_side far;
  fault_proxy proxy("127.0.0.1", far.port());
  auto old = far.through(proxy);
  child_process other({"/bin/sleep", "100"}, "/dev/null"); // which must not inherit the proxy's port
  proxy.admit(admission::reset);
  {
    tcp_end client;
    CHECK(client.connect(proxy.port()) == 0);
    CHECK(client.wait_end() == "reset");
  }
  proxy.admit(admission::refuse);
  CHECK(eventually([&] { return tcp_end().connect(proxy.port()) == ECONNREFUSED; })); // once the other has begun
  old.client.send("still here");
  CHECK(old.server.receive(10) == "still here");
  proxy.heal();
  auto next = far.through(proxy);
  next.client.send("me too");
  CHECK(next.server.receive(6) == "me too");
}

TEST_CASE("faults may be for some connections only, chosen by the first bytes of the client", "[fault_proxy]") {
  far_side far;
  fault_proxy proxy("127.0.0.1", far.port());
  auto there = far.through(proxy), plain = far.through(proxy);
  there.client.send("SUBSCRIBE news");
  CHECK(there.server.receive(14) == "SUBSCRIBE news");
  plain.client.send("GET");
  CHECK(plain.server.receive(3) == "GET");

  proxy.only([](std::string_view first) { return first.find("SUBSCRIBE") != first.npos; });
  proxy.inject({.stall = true});
  CHECK(proxy.counts().chosen == 1);
  auto later = far.through(proxy);
  later.client.send("SUBS");
  CHECK(later.server.receive(4) == "SUBS"); // not known yet
  later.client.send("CRIBE");
  CHECK(held(proxy, 5, 0));
  CHECK(!later.server.readable());
  there.server.send("unheard");
  CHECK(held(proxy, 5, 7));
  plain.server.send("heard");
  CHECK(plain.client.receive(5) == "heard");

  CHECK(proxy.reset() == 2);
  CHECK(proxy.counts().to_server.lost == 5);
  CHECK(proxy.counts().to_client.lost == 7);
  CHECK(there.client.wait_end() == "reset");
  CHECK(later.client.wait_end() == "reset");
  plain.client.send("fine");
  CHECK(plain.server.receive(4) == "fine");
  CHECK(held(proxy, 0, 0));
}

TEST_CASE("who comes while nothing stands behind the proxy is reset", "[fault_proxy]") {
  fault_proxy proxy("127.0.0.1", server_port());
  tcp_end client;
  CHECK(client.connect(proxy.port()) == 0);
  CHECK(client.wait_end() == "reset");
  CHECK(eventually([&] { return proxy.counts().open == 0; }));
}
