// WebSockets over TLS: frames both ways, whatever the client and the socket do.
#include <array>
#include <thread>

#include <catch2/catch.hpp>

#include <openssl/ssl.h>

#include "tls_fixture.hpp"

using namespace starling;
using namespace starling::net;
using namespace starling::net::test;

namespace {

std::string listing(int id) {
  return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":"room.list","params":{}})";
}

/// Text of `bytes` bytes in which every place looks different from its neighbours'.
std::string text_of(std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; text.size() < bytes; ++i)
    text += std::to_string(i) + ' ';
  text.resize(bytes);
  return text;
}

} // namespace

TEST_CASE("frames go both ways over TLS, whatever their size", "[tls]") {
  tls_server s;
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto before = s.sessions.count();
    guest c{s, "ann", {.version_max = version}};
    auto sink = s.sessions.sink(before);
    for (std::size_t bytes : {1, 125, 126, 16'000, 16'384, 16'385, 65'536, 300'000}) {
      sink->push(make_text_frame(text_of(bytes)), frame_kind::lasting);
      CHECK(c.next_text() == text_of(bytes));
    }
    for (std::size_t bytes : {10, 1000, 16'384, 60'000}) {
      auto seen = s.sessions.seen(before);
      c.send_text(R"({"jsonrpc":"2.0","id":1,"method":"room.list","params":{},"pad":")" + text_of(bytes) + "\"}");
      CHECK(has(c.next_text(), "\"id\":1"));
      CHECK(s.sessions.seen(before) == seen + 1);
    }
  }
}

TEST_CASE("what comes behind the upgrade in one record is not lost", "[tls]") {
  tls_server s;
  tls_client c{s.port()};
  REQUIRE(c.shake_hands());
  CHECK(has(c.upgrade("/ws?user=ann", "", raw_client::masked_frame(1, listing(1))), "HTTP/1.1 101"));
  CHECK(has(c.next_text(), "session.opened"));
  CHECK(has(c.next_text(), "\"id\":1"));
}

TEST_CASE("many requests that come at once are all answered, in order", "[tls]") {
  tls_server s;
  guest c{s};
  std::string all;
  for (int i = 0; i < 3000; ++i)
    all += raw_client::masked_frame(1, listing(i));
  c.send(all);
  for (int i = 0; i < 3000; ++i)
    REQUIRE(has(c.next_text(), "\"id\":" + std::to_string(i) + ","));
}

TEST_CASE("a client that sends byte by byte is understood", "[tls]") {
  tls_server s;
  guest c{s, "ann", {.byte_by_byte = true}};
  c.send_text(listing(7));
  CHECK(has(c.next_text(), "\"id\":7"));
}

TEST_CASE("a large push through a client that reads slowly arrives whole and in order", "[tls]") {
  limits bounds;
  bounds.outbox_bytes = 16 * 1024 * 1024;
  tls_server s{bounds};
  guest c{s, "ann", {.receive_buffer_bytes = 4096}};
  auto sink = s.sessions.sink(0);
  const auto large = text_of(1024 * 1024);
  constexpr int frames = 12; // more than the kernel takes, so that half a record waits
  for (int i = 0; i < frames; ++i)
    sink->push(make_text_frame(large), frame_kind::lasting);
  REQUIRE(s.front().gauges().outbox_bytes > 0);
  sink->push(make_text_frame("behind it"), frame_kind::lasting);
  for (int i = 0; i < frames; ++i)
    REQUIRE(c.next_text() == large);
  CHECK(c.next_text() == "behind it");
  CHECK(eventually([&] { return s.front().gauges().outbox_bytes == 0; }));
}

TEST_CASE("a client that reads too slowly by TLS is closed with 4008", "[tls]") {
  limits bounds;
  bounds.outbox_bytes = 256 * 1024;
  tls_server s{bounds};
  guest slow{s, "slow", {.receive_buffer_bytes = 4096}};
  auto sink = s.sessions.sink(0);
  auto what = make_text_frame(text_of(32 * 1024));
  for (int n = 0; n < 1000 && s.sessions.ends(0) == 0; ++n)
    sink->push(what, frame_kind::lasting);
  REQUIRE(eventually([&] { return s.sessions.ends(0) == 1; }));
  auto close = slow.next_close();
  REQUIRE(close);
  CHECK(close->close_code() == 4008);
  CHECK(eventually([&] { return s.front().counts().drops[1] > 0; }));
}

TEST_CASE("many threads push to a client that sends and changes keys meanwhile", "[tls]") {
  constexpr int threads = 4;
  constexpr int frames = 500;
  tls_server s;
  guest c{s};
  auto sink = s.sessions.sink(0);
  std::vector<std::thread> pushing;
  for (int t = 0; t < threads; ++t) {
    pushing.emplace_back([&, t] {
      for (int n = 0; n < frames; ++n)
        sink->push(make_text_frame("of " + std::to_string(t) + " " + std::to_string(n)), frame_kind::lasting);
    });
  }
  std::array<int, threads> next{};
  int asked = 0;
  int answered = 0;
  bool ordered = true;
  for (int got = 0; got < threads * frames + answered; ++got) {
    if (got % 4 == 0) c.send_text(listing(asked++));
    if (got % 50 == 0) c.update_keys();
    auto text = c.next_text();
    if (text.starts_with("of ")) {
      auto t = static_cast<std::size_t>(text[3] - '0');
      ordered = ordered && text == "of " + std::to_string(t) + " " + std::to_string(next.at(t)++);
    } else if (has(text, "\"id\":" + std::to_string(answered) + ",")) {
      ++answered;
    } else {
      ordered = false;
    }
    if (!ordered) break;
  }
  for (auto& one : pushing)
    one.join();
  CHECK(ordered);
  while (answered < asked && has(c.next_text(), "\"id\":" + std::to_string(answered) + ","))
    ++answered;
  CHECK(answered == asked);
}

TEST_CASE("what stands behind new keys is read, by pages and by WebSockets", "[tls]") {
  tls_server s;
  tls_client asks{s.port()};
  REQUIRE(asks.shake_hands());
  asks.update_keys(20, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(has(asks.read_http(), "HTTP/1.1 200"));
  guest c{s};
  for (int i = 0; i < 5; ++i) {
    c.update_keys(20, raw_client::masked_frame(1, listing(i)));
    CHECK(has(c.next_text(), "\"id\":" + std::to_string(i) + ","));
  }
}

TEST_CASE("a WebSocket over TLS ends in order: close frames, then the end of TLS", "[tls]") {
  tls_server s;
  guest c{s};
  c.send_frame(8, std::string("\x03\xe8", 2));
  auto close = c.next_close();
  REQUIRE(close);
  CHECK(close->close_code() == 1000);
  CHECK(!c.next());
  CHECK(c.server_has_ended());
  c.end_sending();
  CHECK(c.ends());
}

TEST_CASE("a renewed certificate is shown to connections that come later", "[tls]") {
  tls_server s;
  guest before{s};
  s.front().use_tls(context_of("two"));
  tls_client after{s.port()};
  REQUIRE(after.shake_hands());
  CHECK(before.shown() == "one");
  CHECK(after.shown() == "two");
  before.send_text(listing(1));
  CHECK(has(before.next_text(), "\"id\":1"));
}

TEST_CASE("the console's page asks by TLS", "[tls]") {
  // Answers come in as many frames as Beast likes, so this one is short.
  struct counts final : console_session {
    void ask(std::string what, std::function<void(std::string)> answer) override {
      answer(std::to_string(what.size()) + " bytes, the last " + what.substr(what.size() - 3));
    }
  };
  tls_server s{{}, {console_access::loopback, {}, [](const std::string&) { return std::make_unique<counts>(); }}};
  tls_client c{s.port()};
  REQUIRE(c.shake_hands());
  c.send("GET /console/ws HTTP/1.1\r\nHost: localhost:1\r\nOrigin: https://localhost:1\r\nUpgrade: websocket\r\n"
         "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  REQUIRE(has(c.read_header(), "HTTP/1.1 101"));
  CHECK(c.next_text() == R"({"proved":true})");
  for (std::size_t bytes : {3, 16'384, 50'000}) {
    c.send_text(text_of(bytes));
    CHECK(c.next_text() == std::to_string(bytes) + " bytes, the last " + text_of(bytes).substr(bytes - 3));
  }
  c.send_frame(8, std::string("\x03\xe8", 2));
  CHECK(c.next_close());
  CHECK(!c.next());
  CHECK(c.server_has_ended());
}
