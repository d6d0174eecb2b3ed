#include "cli/bench/endpoint.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace starling::cli {

std::string look_up(const std::string& where, const std::string& default_port, endpoint& out) {
  std::string name = where, port = default_port;
  auto colon = name.rfind(':');
  if (colon != std::string::npos && name.find(']', colon) == std::string::npos) {
    port = name.substr(colon + 1);
    name.resize(colon);
  }
  if (name.size() > 2 && name.front() == '[') name = name.substr(1, name.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (int failed = getaddrinfo(name.c_str(), port.c_str(), &hints, &found); failed != 0) return gai_strerror(failed);
  std::memcpy(&out.address, found->ai_addr, found->ai_addrlen);
  out.address_size = found->ai_addrlen;
  freeaddrinfo(found);
  return {};
}

std::string resolve(const std::string& url, endpoint& out) {
  constexpr std::string_view scheme = "ws://";
  if (!url.starts_with(scheme)) return url + ": a node's URL begins with ws:// (this client speaks no TLS)";
  auto rest = std::string_view(url).substr(scheme.size());
  auto slash = std::min(rest.find('/'), rest.size());
  out.host = rest.substr(0, slash);
  out.path = slash < rest.size() ? std::string(rest.substr(slash)) : "";
  auto wrong = look_up(out.host, "80", out);
  return wrong.empty() ? wrong : url + ": " + wrong;
}

int start_connect(const endpoint& to, std::uint32_t source, int receive_bytes) {
  int fd = socket(to.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_bytes > 0) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
  if (to.address.ss_family == AF_INET && source > 0) {
    sockaddr_in target{};
    std::memcpy(&target, &to.address, sizeof target);
    if (ntohl(target.sin_addr.s_addr) >> 24 == 127) {
      setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
      sockaddr_in from{};
      from.sin_family = AF_INET;
      from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + source);
      if (bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0) {
        close(fd);
        return -1;
      }
    }
  }
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to.address), to.address_size) != 0 && errno != EINPROGRESS) {
    int failed = errno;
    close(fd);
    errno = failed;
    return -1;
  }
  return fd;
}

std::string dial(const std::string& where, const std::string& default_port, int& socket) {
  constexpr timeval answer_within{2, 0};
  endpoint to;
  if (auto wrong = look_up(where, default_port, to); !wrong.empty()) return wrong;
  socket = ::socket(to.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return std::strerror(errno);
  for (int side : {SO_RCVTIMEO, SO_SNDTIMEO}) // the second bounds connecting too
    setsockopt(socket, SOL_SOCKET, side, &answer_within, sizeof answer_within);
  bool connected = connect(socket, reinterpret_cast<const sockaddr*>(&to.address), to.address_size) == 0;
  return connected ? "" : std::strerror(errno);
}

std::uint64_t raise_open_files(std::uint64_t files) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= files) return limit.rlim_cur;
  rlimit wanted{files, std::max<rlim_t>(files, limit.rlim_max)}; // the hard limit only root may raise
  if (setrlimit(RLIMIT_NOFILE, &wanted) == 0) return files;
  limit.rlim_cur = std::min<rlim_t>(files, limit.rlim_max);
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

} // namespace starling::cli
