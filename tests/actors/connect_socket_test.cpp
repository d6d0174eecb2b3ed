#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "actors/connect_socket.hpp"

using namespace starling;
using namespace std::chrono_literals;

namespace {

/// Listens on a port of loopback, and accepts nobody.
class deaf_listener {
public:
  deaf_listener() {
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(any);
    auto* address = reinterpret_cast<sockaddr*>(&any);
    REQUIRE(::bind(socket_, address, size) == 0);
    REQUIRE(::listen(socket_, 0) == 0);
    REQUIRE(::getsockname(socket_, address, &size) == 0);
    port_ = ntohs(any.sin_port);
  }
  ~deaf_listener() { ::close(socket_); }
  std::uint16_t port() const { return port_; }

private:
  int socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
  std::uint16_t port_ = 0;
};

} // namespace

TEST_CASE("who does not answer is waited for as long as was said and no longer", "[transport]") {
  deaf_listener there;
  std::vector<int> waiting;
  caf::expected<int> last = -1;
  auto before = std::chrono::steady_clock::now();
  // The kernel takes one or two into its queue, and lets the next ones wait.
  while (waiting.size() < 4) {
    before = std::chrono::steady_clock::now();
    last = connect_socket("127.0.0.1", there.port(), 1s);
    if (!last) break;
    waiting.push_back(*last);
  }
  const auto took = std::chrono::steady_clock::now() - before;
  REQUIRE(!last);
  CHECK(caf::to_string(last.error()).find("timed out") != std::string::npos);
  CHECK(took >= 1s);
  CHECK(took < 5s);
  CHECK(!waiting.empty());
  for (auto socket : waiting)
    ::close(socket);
}

TEST_CASE("where nobody listens and what is no address is told at once", "[transport]") {
  std::uint16_t port = 0;
  {
    deaf_listener gone;
    port = gone.port();
  }
  CHECK(caf::to_string(connect_socket("127.0.0.1", port, 2s).error()).find("refused") != std::string::npos);
  CHECK(caf::to_string(connect_socket("nowhere", port, 2s).error()).find("not an address") != std::string::npos);
}
