// A fifth of all clients stop reading: the others must not notice, nor the node's memory.
#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "tests/support/cluster.hpp"
#include "tests/support/http_request.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t rooms = 25, in_a_room = 20, slow_in_a_room = 4;
constexpr std::size_t slow_clients = rooms * slow_in_a_room;
constexpr std::size_t outbox_bytes = 64 * 1024;
/// Beside the slow ones' outboxes: what lies in fast ones for a moment, and what an instrumented allocator wastes.
constexpr std::size_t margin_bytes = 24 * 1024 * 1024;

std::string room_name(std::size_t room) { return "room-" + std::to_string(room); }

/// Of all deliveries to fast readers, from the sender's request to the reader.
class delays {
public:
  /// On the loop's thread.
  void note(const json& frame) {
    if (!frame.is_object() || frame.value("method", "") != "message") return;
    const auto& text = frame["params"]["text"].get_ref<const std::string&>();
    const auto sent = steady::time_point(steady::duration(std::stoll(text)));
    all_.push_back(std::chrono::duration_cast<std::chrono::microseconds>(steady::now() - sent));
  }
  std::chrono::microseconds take_p99() {
    auto all = std::exchange(all_, {});
    REQUIRE(all.size() > 1000);
    const auto at = all.begin() + static_cast<std::ptrdiff_t>(all.size() * 99 / 100);
    std::nth_element(all.begin(), at, all.end());
    return *at;
  }

private:
  std::vector<std::chrono::microseconds> all_;
};

/// Everybody, and what is said.
class scene {
public:
  scene()
      : c({.shards = 2,
           .nodes = {"a"},
           .set = {"limits.outbox_bytes=" + std::to_string(outbox_bytes), "limits.frame_bytes=32768",
                   "timings.ping=\"10m\"", "limits.requests_per_second=1000", "limits.requests_burst=1000"},
           .dead_after = "1m",
           // What ASan keeps of freed memory, to find its use, would count as the node's.
           .environment = {{"a", {"ASAN_OPTIONS=quarantine_size_mb=1:thread_local_quarantine_size_kb=64"}}}}) {
    for (std::size_t room = 0; room < rooms; ++room)
      for (std::size_t i = slow_in_a_room; i < in_a_room; ++i)
        fast.push_back(
            enter(name(room, i), {room_name(room)}, {.on_frame = [this](const json& frame) { times.note(frame); }}));
    flooding = enter("flood", {"flood"}, {});
  }

  std::string name(std::size_t room, std::size_t i) const {
    return "r" + std::to_string(room) + "-" + std::to_string(i);
  }

  std::unique_ptr<chat_client> enter(const std::string& user, const std::vector<std::string>& into, dial how) {
    how.port = c.port("a");
    how.target = "/ws?user=" + user;
    auto client = std::make_unique<chat_client>(loop, std::move(how));
    client->opened();
    for (const auto& room : into)
      client->ask("room.join", {{"room", room}});
    return client;
  }

  /// Four messages a second in each room for as long as `going`; with `flood`, what soon fills all buffers of the
  /// kernel between the node and those who do not read.
  void talk(const std::function<bool()>& going, bool flood = false) {
    const std::string filling(16 * 1024, 'f');
    auto next = steady::now();
    const std::size_t turns_between_looks = flood ? 5 : 50;
    for (std::size_t turn = 0; turn % turns_between_looks != 0 || going(); ++turn) {
      auto& sender = *fast[turn % rooms * (in_a_room - slow_in_a_room)];
      const auto stamp = std::to_string(steady::now().time_since_epoch().count());
      say(sender, room_name(turn % rooms), stamp + std::string(1000 - stamp.size(), ' '));
      if (flood && turn % 10 == 0) say(*flooding, "flood", filling);
      next += 10ms;
      std::this_thread::sleep_until(next); // the pace of the load
    }
    CHECK(eventually([this] { return unanswered == 0; }));
  }

  std::chrono::microseconds p99() {
    std::chrono::microseconds result{};
    loop.run([&] { result = times.take_p99(); });
    return result;
  }

  std::string metrics() { return http_get(c.port("a"), "/metrics").body; }

  std::size_t resident_bytes() {
    const auto status = read_file("/proc/" + std::to_string(c.node("a").pid()) + "/status");
    return std::stoul(status.substr(status.find("VmRSS:") + 6)) * 1024;
  }

  cluster c;
  client_loop loop;
  delays times; // of the loop's thread
  std::vector<std::unique_ptr<chat_client>> fast;
  std::unique_ptr<chat_client> flooding;
  std::atomic<int> unanswered = 0, refused = 0;

private:
  void say(chat_client& sender, const std::string& room, const std::string& text) {
    ++unanswered;
    sender.request("message.send", {{"room", room}, {"text", text}}, [this](const reply& r) {
      if (!r.ok()) ++refused;
      --unanswered;
    });
  }
};

/// What a client holds of a room: the numbers in order, without a hole. Returns the last.
std::uint64_t last_in_order(const chat_client& client, const std::string& room) {
  std::uint64_t last = 0;
  for (const auto& f : client.frames()) {
    if (f.content.value("method", "") != "message" || f.content["params"]["room"] != room) continue;
    const auto seq = f.content["params"]["seq"].get<std::uint64_t>();
    if (last != 0) CHECK(seq == last + 1);
    last = seq;
  }
  return last;
}

/// Comes back, and reads until nothing is missing.
void catch_up(scene& s, const std::string& user, const std::string& room, std::uint64_t seen) {
  const auto again = s.enter(user, {}, {});
  for (bool more = true; more;) {
    const auto part = again->ask("room.sync", {{"rooms", {{room, seen}}}})["rooms"][room];
    for (const auto& m : part["messages"])
      CHECK(m["seq"] == ++seen);
    more = part["more"];
  }
  CHECK(seen == again->ask("room.info", {{"room", room}})["seq"]);
}

} // namespace

TEST_CASE("a hundred of five hundred clients stop reading and only they notice", "[slow_readers]") {
  scene s;
  s.talk([end = steady::now() + 3s] { return steady::now() < end; }); // what is allocated once
  s.p99();
  std::vector<std::unique_ptr<chat_client>> slow;
  for (std::size_t i = 0; i < slow_clients; ++i)
    slow.push_back(s.enter(s.name(i / slow_in_a_room, i % slow_in_a_room), {room_name(i / slow_in_a_room), "flood"},
                           {.receive_buffer_bytes = 4096}));
  const auto resident = s.resident_bytes();
  std::size_t most_resident = 0;
  double most_waiting = 0;
  // Before as well, since it costs the node something to be looked at.
  std::size_t websockets = 0;
  const auto look = [&] {
    const auto page = s.metrics();
    websockets = static_cast<std::size_t>(metric(page, "starling_connections{kind=\"websocket\"}"));
    most_resident = std::max(most_resident, s.resident_bytes());
    most_waiting = std::max(most_waiting, metric(page, "starling_outbox_bytes"));
    return most_waiting;
  };
  s.talk([&, end = steady::now() + 8s] {
    look();
    return steady::now() < end;
  });
  const auto before = s.p99();

  for (auto& each : slow)
    each->pause_reading();
  const auto begin = steady::now();
  s.talk([&] { return steady::now() - begin < 60s && look() < static_cast<double>(slow_clients * outbox_bytes) / 4; },
         true);
  s.p99();
  // From here on the load is the same as before, and it is this that fills the outboxes, up to the end.
  s.talk([&] {
    look();
    return steady::now() - begin < 90s && websockets > s.fast.size() + 1;
  });
  const auto during = s.p99();
  INFO("p99 before " << before.count() << " us and then " << during.count() << " us; resident " << resident
                     << " bytes and at most " << most_resident << "; waiting at most " << most_waiting << "; took "
                     << std::chrono::duration_cast<std::chrono::seconds>(steady::now() - begin).count() << " s");
  CHECK(metric(s.metrics(), "starling_closes_total{code=\"4008\"}") == slow_clients);
  CHECK(most_waiting > static_cast<double>(slow_clients * outbox_bytes) / 2); // they did fill up
  CHECK(most_waiting <= static_cast<double>(slow_clients * outbox_bytes + margin_bytes / 8));
  CHECK(most_resident <= resident + slow_clients * outbox_bytes + margin_bytes);
  // How much later their messages came, a benchmark tells (`starling bench --scenario stalled`): here the machine may
  // have other things to do, for tens of milliseconds.
  CHECK(during <= std::max(before * 12 / 10, std::chrono::microseconds(100ms)));
  for (std::size_t i = 0; i < slow_clients; ++i) {
    slow[i]->resume_reading();
    const auto end = slow[i]->wait_end();
    REQUIRE(end);
    // The node gives who reads again within 5 s the reason; these had nothing but what the kernel kept for them.
    CHECK((end->code == 4008 || end->code == 0));
    const auto room = room_name(i / slow_in_a_room);
    catch_up(s, s.name(i / slow_in_a_room, i % slow_in_a_room), room, last_in_order(*slow[i], room));
  }
  CHECK(s.refused == 0);
  for (const auto& each : s.fast)
    CHECK(!each->ended());
  for (std::size_t i = 0; i < s.fast.size(); ++i)
    last_in_order(*s.fast[i], room_name(i / (in_a_room - slow_in_a_room)));
}
