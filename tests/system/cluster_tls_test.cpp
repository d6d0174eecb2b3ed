// Processes that show each other certificates: who has none of the cluster's gets nowhere, and costs nothing.
#include <catch2/catch.hpp>

#include <csignal>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "tests/support/console.hpp"
#include "tests/support/crowd.hpp"
#include "tests/support/http_request.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

std::uint16_t master_port(const cluster& c) {
  const auto settings = read_file(c.directory() / "master.toml");
  const std::string before = "master = \"127.0.0.1:";
  return static_cast<std::uint16_t>(std::stoul(settings.substr(settings.find(before) + before.size())));
}

/// Resident, in KiB.
std::size_t memory_of(const child_process& process) {
  const auto status = read_file("/proc/" + std::to_string(process.pid()) + "/status");
  return std::stoul(status.substr(status.find("VmRSS:") + 6));
}

/// How many connections of others the master has not let in.
std::uint64_t strangers_at_master(const cluster& c) {
  return entry_of(console_answers(c, {"nodes"}), "master")["result"]["strangers"].get<std::uint64_t>();
}

} // namespace

TEST_CASE("processes that speak TLS are a cluster like any other, and the console looks into it", "[cluster_tls]") {
  cluster c({.tls = true});
  client_loop loop;
  crowd people(loop, {c.port("a"), c.port("b")});
  INFO("seed " << people.seed());
  people.talk(100ms);
  CHECK(people.wait_acknowledged(200, 30s));
  CHECK(console_answers(c, {"nodes"}).size() == 3);

  c.node("b").kill9();
  c.node("b").restart();
  c.wait_ready("b");
  c.master().kill9();
  c.master().restart();
  CHECK(eventually([&] { return console(c, {"check"}).status < 2; }, 20s));
  CHECK(people.settle());
  const auto faults = people.faults(c.port("a"));
  INFO(describe(faults, people.seed()));
  CHECK(faults.empty());
  CHECK(people.complaints() == no_complaints);
}

TEST_CASE("who has no certificate of the cluster does not get into it", "[cluster_tls]") {
  const scratch_directory foreign;
  run_or_throw({STARLING_SOURCE_DIR "/config/test-ca", foreign.path(), "node"});
  cluster c({.shards = 1,
             .nodes = {"a"},
             .set_for = {{"foreign", tls_options(foreign.path(), "node")},
                         {"plain", {"cluster.tls.ca=\"\"", "cluster.tls.certificate=\"\"", "cluster.tls.key=\"\""}}},
             .tls = true});
  CHECK(strangers_at_master(c) == 0);
  for (const std::string stranger : {"foreign", "plain"}) {
    INFO(stranger);
    const auto before = strangers_at_master(c);
    c.start_node(stranger);
    CHECK(eventually([&] { return c.log_of(stranger).find("membership.not_joined") != std::string::npos; }));
    CHECK(!c.is_ready(stranger));
    CHECK(!c.knows("a", stranger));
    CHECK(eventually([&] { return strangers_at_master(c) > before; }));
    c.node(stranger).kill9();
  }
  const auto knocked = strangers_at_master(c);
  // What CAF would believe without TLS: a header that announces four gigabytes.
  const auto before = memory_of(c.master());
  for (int i = 0; i < 20; ++i)
    http_exchange(master_port(c), std::string(8, '\1') + std::string(24, '\xff') + std::string(1000, 'x'));
  CHECK(memory_of(c.master()) < before + 32 * 1024);
  CHECK(strangers_at_master(c) >= knocked + 20);
  CHECK(console(c, {"events", "--name", "cluster.stranger"}).out.find("from=127.0.0.1") != std::string::npos);
  CHECK(c.master().running());
  CHECK(c.is_ready("a"));
  // Nobody else lost a connection for it.
  CHECK(c.log_of("a").find("the connection to the master is lost") == std::string::npos);
  // It still lets in who belongs to it.
  c.node("a").kill9();
  c.node("a").restart();
  c.wait_ready("a");
}

TEST_CASE("certificates between processes are renewed by new files, and bad ones end nobody who is there",
          "[cluster_tls]") {
  cluster c({.nodes = {"a", "b"}, .tls = true});
  const auto tls = c.directory() / "tls";
  const auto certificate = tls + "/master.pem", good = read_file(certificate);
  write_file(certificate, "no certificate");
  c.node("b").kill9();
  c.node("b").restart();
  CHECK(eventually([&] { return c.log_of("master").find("cluster.tls_failed") != std::string::npos; }));
  CHECK(c.master().running());
  CHECK(eventually([&] { return !c.knows("a", "b"); }));

  run_or_throw({STARLING_SOURCE_DIR "/config/test-ca", tls, "master"});
  CHECK(read_file(certificate) != good);
  CHECK(eventually([&] { return c.knows("a", "b") && c.knows("b", "a"); }, 20s));
  CHECK(c.log_of("a").find("the connection to the master is lost") == std::string::npos);
}

TEST_CASE("who is not of the cluster is let go and counted, whether it talks or stops", "[cluster_tls]") {
  const auto tls = GENERATE(false, true);
  INFO((tls ? "by TLS" : "plain"));
  cluster c({.shards = 1, .nodes = {"a"}, .tls = tls});
  const auto before = strangers_at_master(c);
  const std::vector<std::string> hostile{"GET / HTTP/1.1\r\nHost: somewhere.else\r\n\r\n", std::string(32, '\xff'),
                                         std::string(100'000, '\0'), "\x16\x03\x01"}; // the last says no more
  for (const auto& text : hostile) {
    const auto began = std::chrono::steady_clock::now();
    CHECK(http_exchange(master_port(c), text).status == 0);
    CHECK(std::chrono::steady_clock::now() - began < 4500ms); // it would wait 5 s if it was not let go
  }
  CHECK(eventually([&] { return strangers_at_master(c) >= before + hostile.size(); }));
  CHECK(c.log_of("a").find("the connection to the master is lost") == std::string::npos);
}

TEST_CASE("a node ends though the master stands still", "[cluster_tls]") {
  const auto tls = GENERATE(false, true);
  INFO((tls ? "by TLS" : "plain"));
  cluster c({.shards = 1, .nodes = {"a"}, .tls = tls});
  c.master().signal(SIGSTOP);
  c.node("a").signal(SIGTERM);
  CHECK(c.node("a").wait(15s) == 0);
  c.master().signal(SIGCONT);
}

TEST_CASE("a master ends though somebody hangs at its port", "[cluster_tls]") {
  const auto tls = GENERATE(false, true);
  INFO((tls ? "by TLS" : "plain"));
  cluster c({.shards = 1, .nodes = {"a"}, .tls = tls});
  boost::asio::io_context io;
  boost::asio::ip::tcp::socket hangs(io);
  hangs.connect({boost::asio::ip::address_v4::loopback(), master_port(c)});
  c.master().signal(SIGTERM);
  CHECK(c.master().wait(15s) == 0);
}
