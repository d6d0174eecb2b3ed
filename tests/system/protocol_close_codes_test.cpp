// docs/PROTOCOL.md to the letter: how connections end. 4001 is in protocol_opening_test, 1008 for the deaf in
// protocol_errors_test. 1011 stands for a bug of the server: nothing that a client sends brings it about.
#include <signal.h>

#include <catch2/catch.hpp>

#include "tests/support/cluster.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

/// A ping request of exactly `bytes` bytes.
std::string request_of(std::size_t bytes) {
  auto payload = json{{"jsonrpc", "2.0"}, {"id", "big"}, {"method", "ping"}, {"padding", ""}}.dump();
  payload.insert(payload.find("\"padding\":\"") + 11, bytes - payload.size(), 'x');
  return payload;
}

/// A connection for one kind of mistake, and how it ended.
ending ending_of(client_loop& loop, const cluster& c, const std::function<void(chat_client&)>& mistake) {
  chat_client client(loop, c.as("clumsy"));
  client.opened();
  mistake(client);
  const auto end = client.wait_end();
  REQUIRE(end);
  return *end;
}

} // namespace

TEST_CASE("each way to misuse a connection has its close code", "[protocol][close]") {
  cluster c({.shards = 1, .nodes = {"a"}, .set = {"timings.open=\"1s\""}});
  client_loop loop;
  chat_client witness(loop, c.as("witness"));
  witness.opened();

  CHECK(ending_of(loop, c, [](auto& client) { client.close(1000); }).code == 1000);

  // As large as allowed, then one byte more, in one frame or in several
  CHECK(ending_of(loop, c, [](auto& client) {
          client.send_text(request_of(64 * 1024));
          CHECK(client.expect_answer()["id"] == "big");
          client.send_text(request_of(64 * 1024 + 1));
        }).code == 1009);
  CHECK(ending_of(loop, c, [](auto& client) {
          client.send_fragments({std::string(40'000, ' '), std::string(40'000, ' ')});
        }).code == 1009);

  CHECK(ending_of(loop, c, [](auto& client) { client.send_text("\"\xff\xfe\""); }).code == 1007);
  CHECK(ending_of(loop, c, [](auto& client) { client.send_text("\"\xc3"); }).code == 1007);       // cut in the middle
  CHECK(ending_of(loop, c, [](auto& client) { client.send_text("\xed\xa0\x80"); }).code == 1007); // a surrogate
  CHECK(ending_of(loop, c, [](auto& client) {
          // A character may stand on both sides of a border between frames.
          client.send_fragments({"{\"jsonrpc\":\"2.0\",\"id\":\"\xc3", "\xa4\",\"method\":\"ping\"}"});
          CHECK(client.expect_answer()["id"] == "\xc3\xa4");
          client.close();
        }).code == 1000);
  CHECK(ending_of(loop, c, [](auto& client) { client.send_binary("{}"); }).code == 1008);

  // Not opened in time: pings are no excuse.
  const auto begin = steady::now();
  chat_client silent(loop, {c.port("a")});
  CHECK(silent.connected());
  while (!silent.ended() && steady::now() - begin < 5s)
    silent.call("ping");
  CHECK(silent.wait_end().value().code == 4002);
  CHECK(steady::now() - begin > 900ms);
  CHECK(silent.count("session.closing") == 1);

  // Nobody else noticed.
  CHECK(verdict(witness.call("ping")) == "ok");
}

TEST_CASE("who reads too slowly is closed with 4008 and finds by room.sync what was missed", "[protocol][close]") {
  cluster c(
      {.shards = 1,
       .nodes = {"a"},
       .set = {"limits.outbox_bytes=524288", "limits.requests_per_second=100000", "limits.requests_burst=100000"}});
  client_loop loop;
  chat_client ann(loop, c.as("ann"));
  chat_client bob(loop, {.port = c.port("a"), .target = "/ws?user=bob", .receive_buffer_bytes = 4096});
  ann.opened();
  bob.opened();
  ann.ask("room.join", {{"room", "flood"}});
  bob.ask("room.join", {{"room", "flood"}});
  bob.pause_reading(); // after the next frame
  // Until the outbox and all buffers of the kernel between the two are full, and bob has lost his seat.
  const std::string text(16 * 1024, 'x');
  std::uint64_t messages = 0;
  const auto send_some = [&] {
    for (int i = 0; i < 10; ++i, ++messages)
      ann.ask("message.send", {{"room", "flood"}, {"text", text}});
    ann.forget();
  };
  const auto both = json::array({"ann", "bob"});
  while (messages < 3000 && ann.ask("room.who", {{"room", "flood"}})["users"] == both)
    send_some();
  bob.resume_reading();
  const auto end = bob.wait_end(30s);
  REQUIRE(end);
  CHECK(end->code == 4008);
  std::uint64_t seen = 0;
  for (const auto& f : bob.frames())
    if (f.content.value("method", "") == "message")
      CHECK(f.content["params"]["seq"] == ++seen); // no hole before the end
  CHECK(seen < messages);
  send_some();

  chat_client again(loop, c.as("bob"));
  again.opened();
  for (bool more = true; more;) {
    const auto part = again.ask("room.sync", {{"rooms", {{"flood", seen}}}})["rooms"]["flood"];
    for (const auto& m : part["messages"])
      CHECK(m["seq"] == ++seen);
    more = part["more"];
  }
  CHECK(seen == messages);
  CHECK(ann.wait_end(0ms) == std::nullopt); // the fast one stays
}

TEST_CASE("clients are pinged, and closed when they do not answer", "[protocol][close]") {
  cluster c({.shards = 1, .nodes = {"a"}, .set = {"timings.ping=\"400ms\"", "timings.pong=\"400ms\""}});
  client_loop loop;
  chat_client awake(loop, c.as("awake"));
  chat_client asleep(loop, c.as("asleep"));
  awake.opened();
  asleep.opened();
  awake.ask("presence.watch", {{"users", {"asleep"}}});
  asleep.pause_reading(); // so that it answers no ping
  // The read that is under way ends with the answer to this.
  asleep.request("ping", json::object(), [](const reply&) {});
  CHECK_NOTHROW(awake.expect("presence", {{"user", "asleep"}, {"online", false}}, 8s));
  CHECK(eventually([&] { return awake.pings() >= 3; }, 5s));
  CHECK(!awake.ended());
  asleep.resume_reading();
  CHECK(asleep.wait_end(5s));
}

TEST_CASE("a connection that cannot be served here now is closed with 4013", "[protocol][close]") {
  cluster c({.shards = 1, .nodes = {"a"}});
  client_loop loop;
  c.redis(0).kill9();
  CHECK(eventually([&] { return !c.is_ready("a"); }));
  chat_client ann(loop, c.as("ann"));
  CHECK(ann.wait_end().value().code == 4013);
  CHECK(ann.count("session.opened") == 0);
  CHECK(ann.count("session.closing") == 1);
  // Who asks for the opening is answered, and may ask again.
  chat_client bob(loop, {c.port("a")});
  CHECK(verdict(bob.call("session.open", {{"user", "bob"}})) == "503, retry");
  c.redis(0).restart();
  CHECK(eventually([&] { return verdict(bob.call("session.open", {{"user", "bob"}})) == "ok"; }, 5s));
}

TEST_CASE("a node that leaves tells its clients where else to go and closes with 1001", "[protocol][close]") {
  cluster c({.shards = 1});
  client_loop loop;
  chat_client ann(loop, c.as("ann", "a"));
  ann.opened();
  ann.ask("room.join", {{"room", "tea"}});
  c.node("a").signal(SIGTERM);
  const auto told = ann.expect("session.closing");
  CHECK(told["reason"].is_string());
  CHECK(told["reconnect_in_ms"].is_number_unsigned());
  CHECK(told["nodes"] == json::array({c.url("b")}));
  CHECK(ann.wait_end().value().code == 1001);
  CHECK(c.node("a").wait(15s) == 0);
  chat_client again(loop, c.as("ann", "b"));
  CHECK(again.opened()["rooms"].size() == 1);
}
