// TLS for clients: handshakes, pages, and what is refused. By real sockets and OpenSSL's own client.
#include <catch2/catch.hpp>

#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include "actors/events.hpp"
#include "net/tls_wire.hpp"
#include "tests/support/child_process.hpp"
#include "tls_fixture.hpp"

using namespace starling;
using namespace starling::net;
using namespace starling::net::test;

namespace {

std::string why_not(const client_tls_settings& files) {
  auto loaded = tls_context::load(files);
  auto* why = std::get_if<std::string>(&loaded);
  return why ? *why : "";
}

} // namespace

TEST_CASE("pages come by HTTPS, several on one connection", "[tls]") {
  tls_server s;
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    tls_client c{s.port(), {.version_max = version}};
    REQUIRE(c.shake_hands());
    CHECK(c.shown() == "one");
    CHECK(has(c.get("/healthz"), "HTTP/1.1 200"));
    CHECK(has(c.get("/"), "<html"));
    CHECK(has(c.get("/readyz"), "HTTP/1.1 503"));
  }
}

TEST_CASE("an answer that ends a connection is followed by the end of TLS", "[tls]") {
  tls_server s;
  tls_client c{s.port()};
  REQUIRE(c.shake_hands());
  CHECK(has(c.get("/healthz", "Connection: close\r\n"), "HTTP/1.1 200"));
  CHECK(c.read_http().empty());
  CHECK(c.server_has_ended());
}

TEST_CASE("a client that is gone without a word is let go", "[tls]") {
  tls_server s;
  guest resets{s, "resets"};
  resets.reset();
  auto shuts = std::make_unique<guest>(s, "shuts");
  ::shutdown(shuts->descriptor(), SHUT_WR);
  tls_client half{s.port()};
  half.raw_client::send(half.hello().substr(0, 20));
  half.reset();
  CHECK(eventually([&] { return s.refused(refusal::tls) == 1; })); // it may not have been accepted yet
  CHECK(eventually([&] { return connections_left(s) == 0; }));
  CHECK(s.sessions.ends(0) == 1);
  CHECK(s.sessions.ends(1) == 1);
}

TEST_CASE("who speaks plain HTTP to a port of TLS is told so, and counted", "[tls]") {
  tls_server s;
  raw_client c{s.port()};
  auto answer = c.get("/healthz");
  CHECK(has(answer, "HTTP/1.1 400"));
  CHECK(has(answer, "this port speaks TLS: use https:// or wss://"));
  CHECK(c.ends());
  CHECK(eventually([&] { return s.refused(refusal::plain_http) == 1; }));
  CHECK(s.refused(refusal::tls) == 0);
}

TEST_CASE("noise in the place of a handshake ends the connection, and is counted", "[tls]") {
  tls_server s;
  const std::vector<std::string> noises{std::string(1000, '\0'), "\x16\x03\x01\xff\xff" + std::string(70'000, 'x'),
                                        std::string("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10), "SSH-2.0-x\r\n",
                                        std::string(300, '\xff')};
  for (const auto& noise : noises) {
    raw_client c{s.port()};
    c.send(noise);
    ::shutdown(c.descriptor(), SHUT_WR);
    CHECK(c.ends());
  }
  CHECK(eventually([&] { return s.refused(refusal::tls) == noises.size(); }));
  tls_client after{s.port()};
  CHECK(after.shake_hands());
}

TEST_CASE("a client that stops within its handshake is closed at the deadline", "[tls]") {
  tls_server s;
  tls_client c{s.port()};
  c.raw_client::send(c.hello().substr(0, 20));
  pollfd waits{c.descriptor(), POLLIN, 0};
  CHECK(::poll(&waits, 1, 5'000) == 0); // not before
  CHECK(c.ends());
  CHECK(eventually([&] { return s.refused(refusal::tls) == 1; }));
}

TEST_CASE("TLS before 1.2 is refused", "[tls]") {
  tls_server s;
  tls_client old{s.port(), {.version_max = TLS1_1_VERSION}};
  CHECK(!old.shake_hands());
  CHECK(eventually([&] { return s.refused(refusal::tls) == 1; }));
}

TEST_CASE("a node that is full lets go of a client of TLS without a word", "[tls]") {
  limits bounds;
  bounds.connections = 1;
  tls_server s{bounds};
  guest first{s};
  tls_client second{s.port()};
  CHECK(!second.shake_hands());
  CHECK(eventually([&] { return s.refused(refusal::limit) == 1; }));
  first.reset();
  REQUIRE(eventually([&] { return connections_left(s) == 0; }));
  tls_client third{s.port()};
  CHECK(third.shake_hands());
}

TEST_CASE("what is wrong with a certificate or its key is told with the option and the file", "[tls]") {
  const auto one = certificate_of("one");
  const auto two = certificate_of("two");
  const starling::test::scratch_directory folder;
  starling::test::write_file(folder / "text.pem", "not a certificate\n");
  starling::test::run_or_throw(
      {"openssl", "ec", "-in", one.key, "-aes128", "-passout", "pass:secret", "-out", folder / "locked.key"});
  CHECK(why_not(one).empty());
  CHECK(why_not({"/nowhere.pem", one.key}) == "node.tls.certificate: /nowhere.pem: No such file or directory");
  CHECK(why_not({one.certificate, "/nowhere.key"}) == "node.tls.key: /nowhere.key: No such file or directory");
  CHECK(why_not({folder / "text.pem", one.key}) ==
        "node.tls.certificate: " + (folder / "text.pem") + ": no start line");
  CHECK(why_not({one.certificate, two.key}) == "node.tls.key: " + two.key + ": key values mismatch");
  CHECK(has(why_not({one.certificate, folder / "locked.key"}), "node.tls.key: " + (folder / "locked.key") + ": "));
}

TEST_CASE("a certificate that has expired is used, with a warning", "[tls]") {
  auto files = certificate_of("one");
  const starling::test::scratch_directory folder;
  const std::string expired = folder / "expired.pem";
  starling::test::run_or_throw(
      {"openssl", "x509", "-in", files.certificate, "-signkey", files.key, "-days", "-1", "-out", expired});
  auto number = event_ring::instance().newest();
  CHECK(why_not({expired, files.key}).empty());
  auto warned = event_ring::instance().find({.after = number, .name = "tls.certificate_expired"}).first;
  REQUIRE(warned.size() == 1);
  CHECK(warned.front().details.starts_with("file=" + expired + " ended=\""));
}

TEST_CASE("what waits for a socket is bounded: OpenSSL is told that it is broken", "[tls]") {
  tls_wire wire{-1};
  const std::string answer(1024, 'x');
  int kept = 0;
  while (kept < 1000 && wire.keep(answer.data(), static_cast<int>(answer.size())))
    ++kept;
  CHECK(kept == 128);
}
