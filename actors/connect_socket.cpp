#include "actors/connect_socket.hpp"

#include <cstring>
#include <memory>

#include <caf/make_message.hpp>
#include <caf/sec.hpp>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

namespace starling {
namespace {

using addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

caf::error failure(std::string why) { return caf::make_error(caf::sec::cannot_connect_to_node, std::move(why)); }

addresses read_address(const std::string& address, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  ::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found);
  return {found, ::freeaddrinfo};
}

} // namespace

caf::expected<caf::io::network::native_socket> connect_socket(const std::string& address, std::uint16_t port,
                                                              std::chrono::seconds patience) {
  auto where = read_address(address, port);
  if (!where) return failure("not an address of IP: " + address);
  auto socket = ::socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return failure(std::strerror(errno));
  const timeval limit{patience.count(), 0};
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)); // holds for connecting, too
  if (::connect(socket, where->ai_addr, where->ai_addrlen) == 0) return socket;
  auto why = errno == EINPROGRESS ? ETIMEDOUT : errno;
  ::close(socket);
  return failure(std::strerror(why));
}

} // namespace starling
