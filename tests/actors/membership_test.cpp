#include "actors/membership.hpp"

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <thread>

#include <stdlib.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>
#include <catch2/catch.hpp>

#include "actors/master.hpp"
#include "actors/state_file.hpp"

using namespace starling;
using namespace std::chrono_literals;

namespace {

/// What a node heard of its membership; may be waited for.
class hearing {
public:
  void note(const std::function<void(hearing&)>& change) {
    std::lock_guard lock(mutex_);
    change(*this);
    changed_.notify_all();
  }
  /// Returns false if it has not come true after 20 s.
  bool becomes(const std::function<bool(const hearing&)>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return condition(*this); });
  }

  table_ptr table;
  nodes_changed nodes;
  std::vector<std::uint64_t> incarnations;

private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

member_listener::behavior_type listen(std::shared_ptr<hearing> into) {
  return {
      [into](const use_table& what) { into->note([&](hearing& h) { h.table = what.table; }); },
      [into](const nodes_changed& what) { into->note([&](hearing& h) { h.nodes = what; }); },
      [into](const begin_incarnation& what) {
        into->note([&](hearing& h) { h.incarnations.push_back(what.incarnation); });
      },
  };
}

class config : public caf::actor_system_config {
public:
  config() {
    set("scheduler.max-threads", 1);
    configure_middleman(*this, {});
  }
};

/// A process of the cluster, but for being one.
struct process {
  config cfg;
  caf::actor_system system{cfg};
};

struct master_process : process {
  master_process(const master_settings& settings, std::uint16_t at) {
    auto start = prepare_master(settings, "right");
    REQUIRE(std::holds_alternative<master_start>(start));
    self = system.spawn(starling::master, std::get<master_start>(std::move(start)));
    auto bound = publish(system, caf::actor_cast<caf::strong_actor_ptr>(self), "cluster.master", {"127.0.0.1", at});
    INFO((bound.index() == 1 ? std::get<1>(bound) : std::string()));
    REQUIRE(bound.index() == 0);
    port = std::get<0>(bound);
  }
  ~master_process() { caf::anon_send_exit(self, caf::exit_reason::kill); }
  master_actor self;
  std::uint16_t port = 0;
};

struct node_process : process {
  node_process(const std::string& name, const cluster_settings& cluster, const std::string& token,
               const std::string& file = {})
      : heard(std::make_shared<hearing>()), listener(system.spawn(listen, heard)) {
    self = system.spawn(
        membership,
        membership_options{
            cluster, token, {name, first_incarnation(), "ws://" + name}, file, network_world(io, system), listener});
  }
  ~node_process() {
    caf::anon_send_exit(self, caf::exit_reason::kill);
    caf::anon_send_exit(listener, caf::exit_reason::kill);
    io.stop();
    thread.join();
  }
  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
  std::thread thread{[this] { io.run(); }};
  std::shared_ptr<hearing> heard;
  member_listener listener;
  membership_actor self;
};

/// Keeps all that must outlive the processes.
struct scene {
  scene() {
    auto pattern = (std::filesystem::temp_directory_path() / "starling-member-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    folder = pattern;
    settings.state_file = (folder / "master.json").string();
    settings.shards = {{"s1", "redis://h:1", 1}};
    settings.cluster.heartbeat = 50ms;
    settings.cluster.dead_after = 2s;
  }
  ~scene() { std::filesystem::remove_all(folder); }

  void start_master() {
    master.emplace(settings, port);
    port = master->port;
    settings.cluster.master = "127.0.0.1:" + std::to_string(port);
  }

  std::filesystem::path folder;
  master_settings settings;
  std::uint16_t port = 0;
  std::optional<master_process> master;
};

/// For what nobody tells us of.
bool eventually(const std::function<bool()>& condition) {
  for (auto until = std::chrono::steady_clock::now() + 20s; std::chrono::steady_clock::now() < until;
       std::this_thread::yield())
    if (condition()) return true;
  return false;
}

auto has_nodes(std::size_t count) {
  return [count](const hearing& h) { return h.nodes.master_reachable && h.nodes.nodes.size() == count; };
}

} // namespace

TEST_CASE("nodes join over sockets, hear of each other, and outlive their master", "[membership]") {
  scene s;
  s.start_master();
  auto kept = (s.folder / "table.json").string();
  node_process a("a", s.settings.cluster, "right", kept);
  REQUIRE(a.heard->becomes([](const hearing& h) { return h.table && h.table->epoch() == 1; }));
  {
    node_process b("b", s.settings.cluster, "right");
    REQUIRE(a.heard->becomes(has_nodes(2)));
    REQUIRE(b.heard->becomes(has_nodes(2)));
    caf::scoped_actor self{b.system};
    bool left = false;
    self->request(b.self, 5s, leave_cluster{})
        .receive([&] { left = true; }, [](const caf::error& why) { FAIL(caf::to_string(why)); });
    CHECK(left);
    REQUIRE(a.heard->becomes(has_nodes(1)));
  }
  REQUIRE(eventually([&] { return std::filesystem::exists(kept); }));
  s.master.reset();
  REQUIRE(a.heard->becomes([](const hearing& h) { return !h.nodes.master_reachable; }));
  {
    // Without a master, a restarted node has the table from its file.
    node_process again("c", s.settings.cluster, "right", kept);
    CHECK(again.heard->becomes([](const hearing& h) { return h.table && h.table->epoch() == 1; }));
  }
  // The next master goes on from its file: a new address is the next epoch.
  s.settings.shards[0].address = "redis://elsewhere:1";
  s.start_master();
  CHECK(a.heard->becomes([](const hearing& h) { return h.table->epoch() == 2 && h.nodes.master_reachable; }));
  // And one that has lost its file learns the table from the node.
  s.master.reset();
  REQUIRE(std::filesystem::remove(s.settings.state_file));
  REQUIRE(a.heard->becomes([](const hearing& h) { return !h.nodes.master_reachable; }));
  s.start_master();
  REQUIRE(a.heard->becomes(has_nodes(1)));
  auto saved = read_state_file(s.settings.state_file);
  REQUIRE(std::holds_alternative<std::string>(saved));
  auto state = cluster_state::decode(std::get<std::string>(saved));
  REQUIRE(std::holds_alternative<cluster_state>(state));
  CHECK(std::get<cluster_state>(state).table.epoch() == 2);
}

TEST_CASE("a node with another token is not let in, and never takes a stranger for its master", "[membership]") {
  scene s;
  s.start_master();
  node_process good("good", s.settings.cluster, "right");
  node_process bad("bad", s.settings.cluster, "wrong");
  REQUIRE(good.heard->becomes(has_nodes(1)));
  // Long enough for `bad` to have been refused: another that came after it is in.
  node_process later("later", s.settings.cluster, "right");
  REQUIRE(good.heard->becomes(has_nodes(2)));
  CHECK(bad.heard->becomes([](const hearing& h) { return !h.table && !h.nodes.master_reachable; }));
}

TEST_CASE("a node that was declared dead is told, and comes back with a higher incarnation", "[membership]") {
  scene s;
  // The master's file says so: nothing up to this incarnation may come back.
  auto buried = first_incarnation() + 1'000'000;
  REQUIRE_FALSE(write_state_file(
      s.settings.state_file,
      cluster_state{"starling", make_slot_table({{"s1", "redis://h:1", 1}}, 5), {}, {{"a", buried}}}.encode()));
  s.start_master();
  node_process a("a", s.settings.cluster, "right");
  REQUIRE(a.heard->becomes(has_nodes(1)));
  CHECK(a.heard->becomes([&](const hearing& h) {
    return h.incarnations == std::vector{buried + 1} && h.nodes.nodes.front().incarnation == buried + 1;
  }));
}

TEST_CASE("a master that accepts and stays silent, or is not there at first, costs only time", "[membership]") {
  scene s;
  boost::asio::io_context io;
  namespace ip = boost::asio::ip;
  std::optional<ip::tcp::acceptor> silent(std::in_place, io, ip::tcp::endpoint(ip::address_v4::loopback(), 0));
  s.port = silent->local_endpoint().port();
  s.settings.cluster.master = "127.0.0.1:" + std::to_string(s.port);
  s.settings.cluster.connect = 200ms;
  node_process a("a", s.settings.cluster, "right");
  auto probe = silent->accept(); // it has tried to reach us
  auto link = silent->accept();  // and to connect
  boost::system::error_code ignored;
  probe.close(ignored);
  link.close(ignored);
  silent.reset();
  s.start_master();
  CHECK(a.heard->becomes(has_nodes(1)));
}

TEST_CASE("a port that is taken is said in a line", "[membership]") {
  scene s;
  s.start_master();
  process other;
  auto result = publish(other.system, caf::actor_cast<caf::strong_actor_ptr>(s.master->self), "cluster.master",
                        {"127.0.0.1", s.port});
  REQUIRE(result.index() == 1);
  CHECK_THAT(std::get<1>(result), Catch::Contains("cannot listen on 127.0.0.1:" + std::to_string(s.port)));
}
