#include "net/origin.hpp"

#include <catch2/catch.hpp>

using namespace starling::net;

TEST_CASE("pages of listed origins may connect, and the node's own", "[origin]") {
  const std::vector<std::string> allowed{"https://chat.example.org", "http://[::1]:8080"};
  CHECK(may_connect_from("https://chat.example.org", "ws.example.org", allowed));
  CHECK(may_connect_from("http://[::1]:8080", "ws.example.org", allowed));
  CHECK(may_connect_from("https://ws.example.org", "ws.example.org", allowed));
  CHECK(may_connect_from("http://127.0.0.1:8080", "127.0.0.1:8080", allowed));
}

TEST_CASE("pages of other origins may not connect", "[origin]") {
  const std::vector<std::string> allowed{"https://chat.example.org"};
  for (const auto* origin :
       {"http://chat.example.org", "https://chat.example.org:8443", "https://chat.example.org.evil",
        "https://evil.example", "null", "https://ws.example.org:8443", "nonsense"}) {
    INFO(origin);
    CHECK(!may_connect_from(origin, "ws.example.org", allowed));
    CHECK(!may_connect_from(origin, "", allowed));
  }
}

TEST_CASE("who is no browser may connect, and every page where none is listed", "[origin]") {
  CHECK(may_connect_from("", "ws.example.org", {"https://chat.example.org"}));
  CHECK(may_connect_from("https://evil.example", "ws.example.org", {}));
  CHECK(may_connect_from("null", "", {}));
}
