#include "net/refusal.hpp"

#include <chrono>
#include <string_view>

#include <boost/asio/buffer.hpp>

namespace starling::net {

namespace {

constexpr std::string_view full = "HTTP/1.1 503 Service Unavailable\r\n"
                                  "Server: starling\r\n"
                                  "Retry-After: 5\r\n"
                                  "Content-Type: text/plain; charset=utf-8\r\n"
                                  "Connection: close\r\n\r\n"
                                  "this node is full: try another one, or later\n";

constexpr std::string_view too_many = "HTTP/1.1 429 Too Many Requests\r\n"
                                      "Server: starling\r\n"
                                      "Retry-After: 5\r\n"
                                      "Content-Type: text/plain; charset=utf-8\r\n"
                                      "Connection: close\r\n\r\n"
                                      "too many connections from your address\n";

// The request is not read, so closing resets the connection; the client has this long to read the answer before.
constexpr std::chrono::seconds patience{1};

// Beyond, they are reset without a word.
constexpr std::size_t waiting_max = 256;

} // namespace

void refusals::add(tcp_socket client, refusal why) {
  if (waiting_.size() >= waiting_max) return;
  boost::system::error_code ignored;
  client.non_blocking(true, ignored);
  client.write_some(boost::asio::buffer(why == refusal::address ? too_many : full),
                    ignored); // fits into the empty buffer of a new socket
  client.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
  waiting_.push_back({std::move(client), std::chrono::steady_clock::now() + patience});
}

void refusals::turn(steady_time now) {
  while (!waiting_.empty() && waiting_.front().until <= now)
    waiting_.pop_front();
}

} // namespace starling::net
