#include "tests/support/http_request.hpp"

#include <stdexcept>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace starling::test {

namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// Undoes chunked transfer coding (RFC 9112, 7.1).
std::string unchunked(const std::string& body) {
  std::string result;
  for (std::size_t at = 0; at < body.size();) {
    const auto size = std::strtoul(body.c_str() + at, nullptr, 16);
    const auto line_end = body.find("\r\n", at);
    if (size == 0 || line_end == std::string::npos) break;
    result += body.substr(line_end + 2, size);
    at = line_end + 2 + size + 2;
  }
  return result;
}

http_reply parsed(const std::string& text) {
  http_reply r;
  const auto head_end = text.find("\r\n\r\n");
  if (head_end == std::string::npos || !text.starts_with("HTTP/1.1 ")) return r;
  r.status = std::atoi(text.c_str() + 9);
  for (auto at = text.find("\r\n"); at < head_end;) {
    at += 2;
    const auto end = text.find("\r\n", at);
    const auto colon = text.find(':', at);
    if (colon < end) {
      const auto value = text.find_first_not_of(' ', colon + 1);
      r.headers[lower(text.substr(at, colon - at))] = text.substr(value, end - value);
    }
    at = end;
  }
  r.body = text.substr(head_end + 4);
  if (r.headers["transfer-encoding"] == "chunked") r.body = unchunked(r.body);
  return r;
}

} // namespace

http_reply http_exchange(std::uint16_t port, const std::string& text) {
  const int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval bound{5, 0};
  setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
  setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string received;
  if (connect(s, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      send(s, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size())) {
    char buffer[4096];
    for (ssize_t n = 0; (n = recv(s, buffer, sizeof buffer, 0)) > 0;)
      received.append(buffer, static_cast<std::size_t>(n));
  }
  close(s);
  return parsed(received);
}

http_reply http_get(std::uint16_t port, const std::string& target) {
  return http_exchange(port, "GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
}

double metric(const std::string& page, const std::string& name) {
  const auto line = ('\n' + page).find('\n' + name + ' ');
  if (line == std::string::npos) throw std::runtime_error("no metric " + name);
  return std::stod(page.substr(line + name.size() + 1));
}

} // namespace starling::test
