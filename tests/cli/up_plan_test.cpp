#include "cli/up_plan.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <catch2/catch.hpp>

#include "tests/support/child_process.hpp"

using namespace starling::cli;
using Catch::Matchers::Contains;

TEST_CASE("every process of a local cluster has a port of its own", "[up]") {
  up_options options;
  options.nodes = 3;
  options.shards = 2;
  std::vector<std::pair<std::string, unsigned>> found;
  for (const auto& process : who_listens(options))
    found.emplace_back(process.name, process.port);
  CHECK(found == std::vector<std::pair<std::string, unsigned>>{{"redis-1", 7001},
                                                               {"redis-2", 7002},
                                                               {"master", 7400},
                                                               {"node-1", 8080},
                                                               {"node-2", 8081},
                                                               {"node-3", 8082}});
  options.memory = true;
  CHECK(who_listens(options).front().name == "master");
  options.api = true;
  CHECK(who_listens(options).back().name == "the server API of node-3");
  CHECK(who_listens(options).back().port == 7482);
}

TEST_CASE("a port that is taken is told with its owner and the option that moves it", "[up]") {
  boost::asio::io_context io;
  using boost::asio::ip::tcp;
  const tcp::acceptor taken{io, {boost::asio::ip::address_v4::loopback(), 0}};
  const auto port = taken.local_endpoint().port();
  CHECK(port_trouble({{"node-1", port, "--port"}}) ==
        "port " + std::to_string(port) + " (of node-1) is taken: stop what listens there, or choose another by --port");
}

TEST_CASE("ports that cannot be are refused before anything starts", "[up]") {
  CHECK_THAT(port_trouble({{"node-9", 65536, "--port"}}), Contains("65536") && Contains("--port"));
  boost::asio::io_context io;
  using boost::asio::ip::tcp;
  unsigned free = 0;
  {
    const tcp::acceptor once{io, {boost::asio::ip::address_v4::loopback(), 0}};
    free = once.local_endpoint().port();
  }
  CHECK(port_trouble({{"master", free, "--master-port"}}).empty());
  CHECK_THAT(port_trouble({{"master", free, "--master-port"}, {"node-1", free, "--port"}}),
             Contains("asked for twice") && Contains("--port"));
}

TEST_CASE("what is overridden holds for every node, and a mistake in it is told before anything starts", "[up]") {
  const starling::test::scratch_directory directory;
  up_options options;
  options.data = directory.path();
  options.overrides = {"limits.frame_bytes=32KiB"};
  const auto stages = plan_cluster(options, "starling");
  for (const auto& node : stages.back())
    CHECK_THAT(node.argv, Catch::Matchers::Contains(std::vector<std::string>{"--set", "limits.frame_bytes=32KiB"}));
  options.overrides = {"limits.frame_byte=32KiB"};
  CHECK_THROWS_WITH(plan_cluster(options, "starling"), Contains("limits.frame_byte"));
  // Whether a node is ready is asked in the clear.
  options.overrides = {"node.tls.certificate=a.pem", "node.tls.key=a.key"};
  CHECK_THROWS_WITH(plan_cluster(options, "starling"), Contains("node.tls"));
}
