// What a process takes from its machine goes wrong: the time of day, space on disks, descriptors.
#include <catch2/catch.hpp>

#include <sched.h>
#include <sys/mount.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "tests/support/cluster.hpp"
#include "tests/support/crowd.hpp"
#include "tests/support/http_request.hpp"
#include "tests/support/tokens.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::seconds hour = 1h;

/// The clock of the day of the processes that have `environment`.
class shifted_clock {
public:
  shifted_clock() { shift(0s); }
  std::vector<std::string> environment() const {
    return {"LD_PRELOAD=" STARLING_SHIFTED_CLOCK, "STARLING_TEST_CLOCK=" + file(),
            "ASAN_OPTIONS=verify_asan_link_order=0"};
  }
  /// Against the time that it is.
  void shift(std::chrono::seconds by) const {
    const std::int64_t seconds = by.count();
    std::string bytes(sizeof seconds, '\0');
    std::memcpy(bytes.data(), &seconds, sizeof seconds);
    // In place: the processes have the file in their memory.
    std::fstream(file(), std::filesystem::exists(file()) ? std::ios::in | std::ios::out : std::ios::out) << bytes;
  }

private:
  std::string file() const { return directory_ / "shift"; }
  scratch_directory directory_;
};

/// A disk of its own that can be filled; nobody else sees it, and nothing of it outlives the test's process.
class small_disk {
public:
  static constexpr std::size_t bytes = 256 * 1024;

  /// Why there can be none here.
  static std::optional<std::string> refusal() {
    static const bool alone =
        unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    if (!alone) return std::string("mounting takes root: ") + std::strerror(errno);
    return std::nullopt;
  }

  small_disk() {
    const auto size = "size=" + std::to_string(bytes);
    if (mount("tmpfs", directory_.path().c_str(), "tmpfs", 0, size.c_str()) != 0)
      throw std::runtime_error(std::string("mount: ") + std::strerror(errno));
  }
  ~small_disk() { umount2(directory_.path().c_str(), MNT_DETACH); }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;

  std::string operator/(const std::string& name) const { return directory_ / name; }
  void fill() const {
    std::ofstream file(directory_ / "filling", std::ios::binary);
    const std::string page(4096, 'f');
    for (std::size_t written = 0; written < bytes && file.write(page.data(), 4096).flush(); written += page.size()) {
    }
    REQUIRE(std::filesystem::space(directory_.path()).available == 0);
  }
  void free() const { std::filesystem::remove(directory_ / "filling"); }

private:
  scratch_directory directory_;
};

bool is_online(chat_client& asking, const std::string& user) {
  return asking.ask("presence.get", {{"users", {user}}})["users"][0]["online"] == true;
}

std::size_t open_files(const child_process& process) {
  const std::filesystem::directory_iterator all("/proc/" + std::to_string(process.pid()) + "/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::uint64_t epoch_of(const cluster& c, const std::string& node) {
  return json::parse(http_get(c.port(node), "/readyz").body)["epoch"];
}

void check_promise(cluster& c, crowd& people) {
  CHECK(people.settle(60s));
  const auto faults = people.faults(c.port("a"));
  INFO(describe(faults, people.seed()));
  CHECK(faults.empty());
  CHECK(people.complaints() == no_complaints);
}

} // namespace

TEST_CASE("a node whose clock goes an hour forward and then two back loses nobody and no order", "[resources][clock]") {
  const shifted_clock clock;
  cluster c({.environment = {{"a", clock.environment()}}});
  client_loop loop;
  crowd people(loop, {c.port("a"), c.port("b")}, {200, 40, 2});
  INFO("seed " << people.seed());
  chat_client here(loop, c.as("here", "a")), there(loop, c.as("there", "b"));
  for (auto* each : {&here, &there}) {
    each->opened();
    each->ask("room.join", {{"room", "tea"}});
  }
  there.ask("presence.watch", {{"users", {"here"}}});
  people.talk(500ms);
  CHECK(people.wait_acknowledged(200, 30s));

  // The node does go by it: `ping` answers its time. A message's time is that of Redis, wherever it was sent.
  std::string last;
  const auto look = [&] {
    const auto day = here.ask("ping")["at"].get<std::string>();
    for (auto* each : {&here, &there}) {
      const auto at =
          each->ask("message.send", {{"room", "tea"}, {"text", "what time is it?"}})["at"].get<std::string>();
      CHECK(at >= last);
      last = at;
    }
    return day;
  };
  const auto before = look();
  for (const auto shift : {hour, -hour}) {
    clock.shift(shift);
    const auto after = look();
    CHECK((shift > 0s ? after > last : after < before));
    CHECK(people.wait_acknowledged(600, 30s)); // some three seconds: a lease's time
    look();
  }
  CHECK(people.reconnects() == 0);
  CHECK(people.unavailable() == 0);
  CHECK(there.count("presence") == 0);
  CHECK(is_online(there, "here"));
  CHECK(is_online(here, "there"));
  CHECK(c.log_of("master").find("node.dead") == std::string::npos);

  // Started anew with the clock behind: its incarnation would be one of the past.
  c.node("a").kill9();
  c.node("a").restart();
  c.wait_ready("a");
  CHECK(eventually([&] { return c.knows("b", "a"); }));
  CHECK(people.wait_acknowledged(200, 30s));
  check_promise(c, people);
}

TEST_CASE("tokens are judged by the clock that is", "[resources][clock]") {
  const shifted_clock clock;
  const scratch_directory keys;
  write_file(keys / "key", "a secret of at least thirty-two bytes, to be safe\n");
  cluster c({.shards = 1,
             .nodes = {"a"},
             .set = {"auth.mode=\"token\"", "auth.key_file=\"" + (keys / "key") + "\"", "timings.ping=\"1s\"",
                     "timings.pong=\"1s\""},
             .environment = {{"a", clock.environment()}}});
  client_loop loop;
  const auto with = [&](const std::string& ttl) {
    return dial{c.port("a"), "/ws", {{"Authorization", "Bearer " + starling_token("ann", ttl, keys / "key")}}};
  };
  chat_client brief(loop, with("30m")), lasting(loop, with("2h"));
  brief.opened();
  lasting.opened();
  clock.shift(hour);
  CHECK(brief.wait_end().value().code == 4001);
  chat_client late(loop, with("30m"));
  CHECK(late.wait_end().value().code == 4001);
  CHECK(verdict(lasting.call("room.list")) == "ok");
  clock.shift(0s);
  chat_client in_time(loop, with("30m"));
  in_time.opened();
  CHECK(!lasting.ended());
}

TEST_CASE("a master and a node whose disks are full go on and write what they have once there is space",
          "[resources][disk]") {
  if (const auto why = small_disk::refusal()) {
    WARN("not tested here: " << *why);
    return;
  }
  const small_disk masters, nodes;
  const auto state = masters / "master.json", table = nodes / "b.table";
  cluster c(
      {.set_for = {{"master", {"master.state_file=\"" + state + "\""}}, {"b", {"node.table_file=\"" + table + "\""}}}});
  client_loop loop;
  crowd people(loop, {c.port("a"), c.port("b")}, {200, 40, 2});
  INFO("seed " << people.seed());
  people.talk(500ms);
  CHECK(people.wait_acknowledged(200, 30s));
  CHECK(eventually([&] { return read_file(table).size() > 0; }));
  const auto state_before = read_file(state), table_before = read_file(table);
  const auto epoch = epoch_of(c, "b");

  masters.fill();
  nodes.fill();
  // A new table: the same shard by another address.
  auto settings = read_file(c.directory() / "master.toml");
  const auto at = settings.find(c.redis(0).address());
  REQUIRE(at != std::string::npos);
  write_file(c.directory() / "master.toml", settings.replace(at, c.redis(0).address().size(),
                                                             "redis://localhost:" + std::to_string(c.redis(0).port())));
  c.master().kill9();
  c.master().restart();
  CHECK(eventually([&] { return c.log_of("master").find("master.not_saved") != std::string::npos; }));
  CHECK_THAT(c.log_of("master"), Catch::Contains("No space left on device"));
  CHECK(people.wait_acknowledged(400, 30s));
  CHECK(read_file(state) == state_before); // whole, and what was told
  CHECK(epoch_of(c, "a") == epoch);        // nothing is told that a restart would forget
  CHECK(c.master().running());

  masters.free();
  CHECK(eventually([&] { return c.log_of("master").find("master.saved") != std::string::npos; }));
  CHECK(eventually([&] { return epoch_of(c, "a") > epoch && epoch_of(c, "b") > epoch; }));
  CHECK(json::parse(read_file(state)).is_object());
  CHECK(!std::filesystem::exists(state + ".new"));
  CHECK(eventually([&] { return c.log_of("b").find("membership.table_not_kept") != std::string::npos; }));
  CHECK_THAT(c.log_of("b"), Catch::Contains("No space left on device"));
  CHECK(read_file(table) == table_before);
  CHECK(people.wait_acknowledged(200, 30s));

  nodes.free();
  CHECK(eventually([&] { return read_file(table) != table_before; }));
  CHECK(!std::filesystem::exists(table + ".new"));
  // It is what a start without the master rests on.
  c.master().kill9();
  c.node("b").kill9();
  c.node("b").restart();
  c.wait_ready("b");
  CHECK(epoch_of(c, "b") == epoch_of(c, "a"));
  c.master().restart();
  CHECK(people.wait_acknowledged(200, 30s));
  check_promise(c, people);
}

TEST_CASE("a node without descriptors left serves whom it has and takes in others when some go",
          "[resources][descriptors]") {
  constexpr std::size_t descriptors = 120;
  cluster c({.shards = 2, .nodes = {"a"}, .under = {{"a", {"prlimit", "--nofile=" + std::to_string(descriptors)}}}});
  client_loop loop;
  crowd people(loop, {c.port("a")}, {20, 6, 2});
  INFO("seed " << people.seed());
  people.talk(100ms);
  CHECK(people.wait_acknowledged(100, 30s));
  const auto before = open_files(c.node("a"));

  std::vector<std::unique_ptr<chat_client>> rush;
  for (std::size_t i = 0; i < descriptors + 130; ++i)
    rush.push_back(std::make_unique<chat_client>(loop, c.as("rush-" + std::to_string(i))));
  CHECK(eventually([&] { return c.log_of("a").find("listener.cannot_accept") != std::string::npos; }));
  CHECK_THAT(c.log_of("a"), Catch::Contains("Too many open files"));
  CHECK(people.wait_acknowledged(200, 30s));
  CHECK(people.reconnects() == 0);
  CHECK(people.unavailable() == 0);

  // Redis hangs up, until of those who wait one has taken a descriptor before the link could connect again.
  CHECK(eventually([&] {
    for (const auto* type : {"normal", "pubsub"})
      c.redis(0).command({"CLIENT", "KILL", "TYPE", type});
    return c.log_of("a").find(": Too many open files") != std::string::npos;
  }));
  CHECK(eventually([&] { return people.unavailable() > 0; }));
  CHECK(c.node("a").running());

  rush.clear();
  CHECK(eventually([&] { return c.log_of("a").find("listener.accepts_again") != std::string::npos; }));
  CHECK(eventually([&] { return c.is_ready("a"); }));
  CHECK(metric(http_get(c.port("a"), "/metrics").body, "starling_connections_refused_total{reason=\"accept_error\"}") >
        0);
  CHECK(people.wait_acknowledged(100, 30s));
  CHECK(people.reconnects() == 0);
  CHECK(eventually([&] { return open_files(c.node("a")) <= before + 2; }));
  check_promise(c, people);
}
