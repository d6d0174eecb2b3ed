#include "cli/ready_check.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace starling::cli {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t answer_max_bytes = 16 * 1024;
constexpr std::size_t reason_max_bytes = 300;

// The body of an answer, on one line.
std::string body_of(const std::string& answer) {
  const auto head_end = answer.find("\r\n\r\n");
  if (head_end == std::string::npos) return {};
  auto body = answer.substr(head_end + 4, reason_max_bytes);
  for (auto& c : body)
    if (c == '\n' || c == '\r') c = ' ';
  return body;
}

std::string reason_in_http(const std::string& answer) {
  const auto status_at = answer.find(' ');
  if (!answer.starts_with("HTTP/1.") || status_at == std::string::npos) return "it does not answer in HTTP";
  const auto status = answer.substr(status_at + 1, 3);
  if (status == "200") return {};
  return "it answers " + status + " " + body_of(answer);
}

std::string reason_in_redis(const std::string& answer) {
  if (answer.starts_with("+PONG")) return {};
  return "it answers " + answer.substr(0, answer.find('\r'));
}

asio::awaitable<std::string> attempt(ready_check what) {
  tcp::socket socket{co_await asio::this_coro::executor};
  const tcp::endpoint where{asio::ip::address_v4::loopback(), what.port};
  error_code failed;
  co_await socket.async_connect(where, asio::redirect_error(asio::use_awaitable, failed));
  if (failed) co_return "port " + std::to_string(what.port) + ": " + failed.message();
  if (what.how == ready_check::kind::listens) co_return std::string{};

  const bool http = what.how == ready_check::kind::http;
  const std::string question =
      http ? "GET " + what.path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n" : "PING\r\n";
  co_await asio::async_write(socket, asio::buffer(question), asio::redirect_error(asio::use_awaitable, failed));
  std::string answer;
  auto into = asio::dynamic_buffer(answer, answer_max_bytes);
  // The end of the stream is how an HTTP answer ends here, and an answer cut short says so by itself.
  if (http)
    co_await asio::async_read(socket, into, asio::redirect_error(asio::use_awaitable, failed));
  else
    co_await asio::async_read_until(socket, into, "\r\n", asio::redirect_error(asio::use_awaitable, failed));
  if (answer.empty()) co_return "it closes the connection without an answer";
  co_return http ? reason_in_http(answer) : reason_in_redis(answer);
}

} // namespace

asio::awaitable<std::string> check_ready(ready_check what, std::chrono::milliseconds within) {
  using namespace asio::experimental::awaitable_operators;
  if (what.how == ready_check::kind::none) co_return std::string{};
  asio::steady_timer limit{co_await asio::this_coro::executor, within};
  auto first = co_await (attempt(what) || limit.async_wait(asio::use_awaitable));
  if (first.index() == 1) co_return "no answer within " + std::to_string(within.count()) + " ms";
  co_return std::get<0>(first);
}

} // namespace starling::cli
