#include "cli/bench/fleet.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <memory>

#include "chat/frame.hpp"
#include "cli/bench/floor.hpp"
#include "cli/bench/load.hpp"
#include "cli/descriptor.hpp"

using namespace starling;
using namespace starling::cli;
using namespace std::chrono_literals;

namespace {

/// A server that does only what the test says, when it says it.
class puppet {
public:
  puppet() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(bind(listener_.get(), any, size) == 0);
    REQUIRE(listen(listener_.get(), 128) == 0);
    REQUIRE(getsockname(listener_.get(), any, &size) == 0);
    std::memcpy(&where.address, &address, sizeof address);
    where.address_size = size;
    where.host = "127.0.0.1";
    where.path = "/";
  }

  /// Makes all clients of the fleet ready, one after the other.
  void take_all(fleet& all) {
    for (auto& who : all.clients()) {
      all.start(who);
      take(all, who);
      REQUIRE(who.at == client::state::ready);
    }
  }

  /// Grants the upgrade to a client that connects.
  void take(fleet& all, client& who) {
    sockets_.resize(all.clients().size());
    sockets_[who.index] = std::make_unique<descriptor>(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    while (who.at == client::state::connecting)
      all.turn(10ms);
    say(all, who.index, "HTTP/1.1 101 Switching Protocols\r\n\r\n");
    while (who.at == client::state::upgrading)
      all.turn(10ms);
  }

  /// Sends to one client; when this returns, its socket has something to read.
  void say(fleet& all, std::size_t to, std::string_view bytes) {
    REQUIRE(::send(sockets_[to]->get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
    pollfd there{all.clients()[to].fd, POLLIN, 0};
    REQUIRE(poll(&there, 1, 10'000) == 1);
  }

  endpoint where;

private:
  descriptor listener_;
  std::vector<std::unique_ptr<descriptor>> sockets_;
};

/// Clients of whom the last two are urgent, as beside a room.
struct crowd {
  static constexpr std::uint32_t others = 100, all = others + 2;

  crowd() {
    options.what = scenario::busy;
    options.clients = others;
    options.pairs = 1;
    who = plan_of(options, dialect_of(protocol::floor));
  }

  bench_options options;
  plan who;
};

void spin_until(const fleet& all, std::chrono::nanoseconds when) {
  while (all.now() < when) {
  }
}

} // namespace

TEST_CASE("what has come for urgent clients is read first, and again after every few of the others", "[bench]") {
  crowd of;
  puppet server;
  fleet clients(of.options, of.who, dialect_of(protocol::floor), {server.where});
  server.take_all(clients);
  auto message = *make_text_frame("a message");
  for (std::uint32_t i = 0; i < of.all; ++i)
    server.say(clients, i, message);

  std::vector<std::uint32_t> heard;
  clients.on_heard = [&](client& who, auto&&...) {
    heard.push_back(who.index);
    if (heard.size() == 3) server.say(clients, of.others, message); // the first of the others has been read
  };
  while (heard.size() < of.all + 1)
    clients.turn(10ms);
  CHECK(std::min(heard[0], heard[1]) == of.others);
  CHECK(std::max(heard[0], heard[1]) == of.others + 1);
  auto again = std::find(heard.begin() + 2, heard.end(), of.others);
  CHECK(again - heard.begin() <= 2 + 16);
}

TEST_CASE("whoever waits for the others wakes for the urgent", "[bench]") {
  crowd of;
  puppet server;
  fleet clients(of.options, of.who, dialect_of(protocol::floor), {server.where});
  server.take_all(clients);
  bool heard = false;
  clients.on_heard = [&](auto&&...) { heard = true; };
  server.say(clients, of.others, *make_text_frame("a message"));
  auto before = clients.now();
  clients.turn(10s);
  CHECK(heard);
  CHECK(clients.now() - before < 5s);
}

TEST_CASE("the urgent are late when the generator does not look, but not while nothing is there", "[bench]") {
  crowd of;
  puppet server;
  fleet clients(of.options, of.who, dialect_of(protocol::floor), {server.where});
  server.take_all(clients);
  clients.turn(0ms);
  auto late = clients.late;
  spin_until(clients, clients.now() + 20ms);
  clients.turn(0ms);
  CHECK(clients.late - late >= 19ms);

  late = clients.late;
  clients.turn(300ms);
  CHECK(clients.late - late < 200ms); // this process, too, may have to wait
}

TEST_CASE("what the urgent have to say is said whenever they are looked at", "[bench]") {
  crowd of;
  of.options.rate = of.options.pairs_rate = 1000;
  of.options.warmup = 0s;
  of.options.seconds = 100ms;
  of.who = plan_of(of.options, dialect_of(protocol::floor));
  floor_server floor;
  REQUIRE(floor.running());
  fleet clients(of.options, of.who, dialect_of(protocol::floor), {floor.where()});
  run_result result;
  load messages(of.options, of.who, dialect_of(protocol::floor), clients, result);
  clients.open_all([] {});
  messages.prepare();
  bool looked = false;
  auto look = [&] {
    if (std::exchange(looked, true)) return;
    spin_until(clients, clients.now() + 20ms);
    auto others = result.streams[0].sent, urgent = result.streams[1].sent;
    clients.on_look();
    CHECK(result.streams[0].sent == others);
    CHECK(result.streams[1].sent >= urgent + 19);
  };
  messages.run([](usage_mark&) {}, look);
  messages.settle([] {});
  CHECK(looked);
  CHECK(result.streams[1].sent == 100);
  CHECK(result.lost == 0);
}

TEST_CASE("a client that is put off comes back when it is told to, and not before", "[bench]") {
  bench_options options;
  plan alone;
  alone.clients.resize(1);
  puppet server;
  fleet clients(options, alone, dialect_of(protocol::starling), {server.where});
  auto& who = clients.clients()[0];
  clients.start(who);
  server.take(clients, who);
  REQUIRE(who.at == client::state::opening);

  const auto told = clients.now();
  server.say(
      clients, 0,
      *make_text_frame(R"({"method":"session.closing","params":{"reason":"x","reconnect_in_ms":150,"nodes":[]}})"));
  server.say(clients, 0, *make_control_frame(opcode_close, "\x0f\xad")); // 4013
  while (who.at == client::state::opening)
    clients.turn(10ms);
  CHECK(who.at == client::state::waiting);
  while (who.at == client::state::waiting)
    clients.turn(10ms);
  CHECK(clients.now() - told >= 150ms);
  server.take(clients, who);
  server.say(clients, 0, *make_text_frame(R"({"method":"session.opened","params":{}})"));
  while (who.at == client::state::opening)
    clients.turn(10ms);
  CHECK(who.at == client::state::ready);
  CHECK(clients.put_off == 1);
  CHECK(clients.ended.empty());
}

TEST_CASE("a client that is put off for ever counts as ended", "[bench]") {
  bench_options options;
  plan alone;
  alone.clients.resize(1);
  puppet server;
  fleet clients(options, alone, dialect_of(protocol::starling), {server.where});
  auto& who = clients.clients()[0];
  for (clients.start(who); who.at != client::state::closed;) {
    if (who.at == client::state::connecting || who.at == client::state::upgrading) {
      server.take(clients, who);
      server.say(clients, 0, *make_text_frame(R"({"method":"session.closing","params":{"reconnect_in_ms":1}})"));
      server.say(clients, 0, *make_control_frame(opcode_close, "\x0f\xad"));
    }
    clients.turn(1ms);
  }
  CHECK(clients.put_off == 20);
  CHECK(clients.ended["close 4013"] == 1);
}
