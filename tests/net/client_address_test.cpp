#include "net/client_address.hpp"

#include <catch2/catch.hpp>

using namespace starling::net;
using boost::asio::ip::make_address;

namespace {

const proxy_list proxies({"127.0.0.1", "::1", "10.0.0.1"});

/// In words: "nobody" if it counts by nothing.
std::string behind(const char* peer, std::string_view forwarded_for) {
  auto who = client_behind(make_address(peer), forwarded_for, proxies);
  return who ? who->to_string() : "nobody";
}

} // namespace

TEST_CASE("a client that comes by itself is its own address, whatever it says", "[client_address]") {
  CHECK(behind("192.0.2.7", "") == "192.0.2.7");
  CHECK(behind("192.0.2.7", "198.51.100.1") == "192.0.2.7");
  CHECK(behind("::ffff:192.0.2.7", "") == "192.0.2.7");
}

TEST_CASE("behind a proxy a client is whom the proxy names, which is the last", "[client_address]") {
  CHECK(behind("127.0.0.1", "192.0.2.7") == "192.0.2.7");
  CHECK(behind("::1", "198.51.100.1, 192.0.2.7") == "192.0.2.7");
  CHECK(behind("::ffff:127.0.0.1", " nonsense ,\t192.0.2.7 ") == "192.0.2.7");
  CHECK(behind("127.0.0.1", "::ffff:192.0.2.7") == "192.0.2.7");
}

TEST_CASE("behind several known proxies the last one that is none counts", "[client_address]") {
  CHECK(behind("127.0.0.1", "198.51.100.1, 192.0.2.7, 10.0.0.1") == "192.0.2.7");
  CHECK(behind("127.0.0.1", "192.0.2.7, 10.0.0.1, ::1") == "192.0.2.7");
  CHECK(behind("127.0.0.1", "192.0.2.7, 10.0.0.2") == "10.0.0.2"); // no proxy that we know
}

TEST_CASE("a proxy that forwards for nobody is nobody", "[client_address]") {
  for (const auto* header : {"", " ", ",", "nonsense", "192.0.2.7,", "192.0.2.7, unknown", "192.0.2.256", "10.0.0.1",
                             "nonsense, 127.0.0.1", "[", "[]:1"}) {
    INFO(header);
    CHECK(behind("127.0.0.1", header) == "nobody");
  }
}

TEST_CASE("a port behind the address is not looked at", "[client_address]") {
  CHECK(behind("127.0.0.1", "192.0.2.7:4711") == "192.0.2.7");
  CHECK(behind("127.0.0.1", "[2001:db8:1:2::9]:4711") == "2001:db8:1:2::");
}

TEST_CASE("clients of one network of IPv6 are counted as one", "[client_address]") {
  CHECK(behind("2001:db8:1:2:3:4:5:6", "") == "2001:db8:1:2::");
  CHECK(behind("2001:db8:1:2::1", "") == "2001:db8:1:2::");
  CHECK(behind("2001:db8:1:3::1", "") == "2001:db8:1:3::");
  CHECK(behind("fe80::1%1", "") == "fe80::");
  CHECK(behind("127.0.0.1", "2001:db8:1:2::1") == "2001:db8:1:2::");
}
