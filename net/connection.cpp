#include "net/connection.hpp"

#include <chrono>
#include <optional>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "net/console_socket.hpp"
#include "net/websocket.hpp"

namespace starling::net {

namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using std::chrono::steady_clock;

// From the first byte waited for to the last one written; for each request of a connection anew.
constexpr std::chrono::seconds exchange_time{10};
constexpr std::size_t header_bytes_max = 16 * 1024;

using request_parser = http::request_parser<http::empty_body>;
using response = http::response<http::string_body>;

/// A connection that speaks HTTP. Everything runs on the socket's strand, except what is marked.
class http_connection final : public tracked {
public:
  http_connection(std::shared_ptr<services> uses, tcp_socket socket, registry::seat seat)
      : uses_(std::move(uses)), socket_(std::move(socket)), seat_(std::move(seat)), received_(2 * header_bytes_max) {}

  void start() {
    seat_.take(weak_from_this());
    read();
  }

  tcp_socket::executor_type executor() { return socket_.get_executor(); }

  // Any thread:
  void look() override { on_strand(&http_connection::check_deadline); }
  void leave(close_code code, std::string reason, milliseconds delay) override;
  bool is_websocket() const override { return false; }
  void count_waiting(std::size_t&, std::size_t&) const override {}

private:
  void read();
  void on_header(error_code why);
  void upgrade();
  void upgrade_console();
  console_visit visit() const;
  void answer(http_answer what, bool keep_alive);
  void on_written(error_code why);
  void drain();
  void close();
  void check_deadline();

  std::shared_ptr<http_connection> me() { return std::static_pointer_cast<http_connection>(shared_from_this()); }
  template <class Step>
  void on_strand(Step step) {
    boost::asio::post(socket_.get_executor(), [self = me(), step] { (self.get()->*step)(); });
  }

  std::shared_ptr<services> uses_;
  tcp_socket socket_;
  registry::seat seat_;
  beast::flat_buffer received_;
  std::optional<request_parser> parser_;
  response response_;
  steady_time until_{};
  std::weak_ptr<tracked> successor_; // after an upgrade
  bool leaving_ = false;
  bool idle_ = false; // waits for a request of which nothing has come
};

void http_connection::read() {
  parser_.emplace();
  parser_->header_limit(header_bytes_max);
  until_ = steady_clock::now() + exchange_time;
  seat_.wake(until_);
  idle_ = received_.size() == 0;
  http::async_read_header(socket_, received_, *parser_, [self = me()](error_code why, std::size_t) {
    self->idle_ = false;
    self->on_header(why);
  });
}

void http_connection::on_header(error_code why) {
  if (why == http::error::header_limit || why == http::error::buffer_overflow) {
    return answer({431, "text/plain; charset=utf-8", "the header is too large\n", {}, {}}, false);
  }
  if (why.category() == error_code(http::error::bad_method).category() && why != http::error::end_of_stream &&
      why != http::error::partial_message) {
    return answer({400, "text/plain; charset=utf-8", "not an HTTP request: " + why.message() + "\n", {}, {}}, false);
  }
  if (why) return close();
  const auto& request = parser_->get();
  if (request.method() == http::verb::get && path_of(request.target()) == "/ws" &&
      beast::websocket::is_upgrade(request)) {
    if (!leaving_) return upgrade();
    return answer({503, "text/plain; charset=utf-8", "this node is leaving\n", {}, "Retry-After: 1"}, false);
  }
  if (is_console_path(path_of(request.target()))) {
    if (auto refused = refuse_visit(uses_->console.access, visit())) {
      add(uses_->counts->consoles_refused);
      return answer(std::move(*refused), false);
    }
    if (path_of(request.target()) == "/console/ws") return upgrade_console();
  }
  // A body is not read: what follows it could not be told from it.
  auto has_body = parser_->chunked() || parser_->content_length().value_or(0) > 0;
  answer(answer_http(request.method_string(), request.target(), request[http::field::if_none_match], uses_->pages),
         request.keep_alive() && !has_body && !leaving_);
}

void http_connection::upgrade() {
  // The seat goes along; this object is no longer woken, and ends with the handler that runs.
  successor_ = start_websocket(std::move(uses_), std::move(socket_), std::move(seat_), parser_->release(), received_);
}

console_visit http_connection::visit() const {
  const auto& request = parser_->get();
  auto is_there = [&](const char* name) { return request.find(name) != request.end(); };
  error_code why;
  auto peer = socket_.remote_endpoint(why).address();
  if (peer.is_v6() && peer.to_v6().is_v4_mapped())
    peer = boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, peer.to_v6());
  return {request[http::field::host], request[http::field::origin],
          is_there("X-Forwarded-For") || is_there("Forwarded"), !why && peer.is_loopback()};
}

void http_connection::upgrade_console() {
  constexpr auto plain = "text/plain; charset=utf-8";
  if (!beast::websocket::is_upgrade(parser_->get()))
    return answer({426, plain, "connect to this path with a WebSocket\n", {}, "Upgrade: websocket"}, false);
  if (leaving_) return answer({503, plain, "this node is leaving\n", {}, "Retry-After: 1"}, false);
  auto place = take_console_place(*uses_);
  if (!place) return answer({503, plain, "too many pages of the console are open\n", {}, "Retry-After: 5"}, false);
  successor_ = start_console_socket(std::move(uses_), std::move(socket_), std::move(seat_), parser_->release(),
                                    std::move(place));
}

void http_connection::answer(http_answer what, bool keep_alive) {
  add(uses_->counts->http_answers[static_cast<std::size_t>(what.status / 100) % 6]);
  response_ = {};
  response_.result(static_cast<unsigned>(what.status));
  response_.set(http::field::server, "starling");
  response_.set(http::field::content_type, what.content_type);
  response_.set(http::field::cache_control, what.etag.empty() ? "no-store" : "no-cache");
  if (!what.etag.empty()) response_.set(http::field::etag, what.etag);
  response_.set("Content-Security-Policy", content_security_policy);
  response_.set("X-Content-Type-Options", "nosniff");
  response_.set("Referrer-Policy", "no-referrer");
  if (auto colon = what.extra.find(": "); colon != std::string::npos) {
    response_.set(what.extra.substr(0, colon), what.extra.substr(colon + 2));
  }
  response_.keep_alive(keep_alive);
  response_.body() = std::move(what.body);
  response_.prepare_payload();
  http::async_write(socket_, response_, [self = me()](error_code why, std::size_t) { self->on_written(why); });
}

void http_connection::on_written(error_code why) {
  if (why) return close();
  if (response_.keep_alive() && !leaving_) return read();
  // Shut for sending first and read on: closing with unread bytes would reset, and the answer could be lost.
  error_code ignored;
  socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
  drain();
}

void http_connection::drain() {
  received_.clear();
  socket_.async_read_some(received_.prepare(4096), [self = me()](error_code why, std::size_t) {
    if (why) return self->close();
    self->drain();
  });
}

void http_connection::close() {
  error_code ignored;
  socket_.close(ignored);
}

void http_connection::check_deadline() {
  if (!socket_.is_open()) return;
  if (steady_clock::now() >= until_) return close();
  seat_.wake(until_);
}

void http_connection::leave(close_code code, std::string reason, milliseconds delay) {
  boost::asio::post(socket_.get_executor(), [self = me(), code, reason = std::move(reason), delay]() mutable {
    if (auto next = self->successor_.lock()) return next->leave(code, std::move(reason), delay);
    self->leaving_ = true;
    if (self->idle_) self->close();
  });
}

} // namespace

void start_connection(std::shared_ptr<services> uses, tcp_socket socket, registry::seat seat) {
  auto made = std::make_shared<http_connection>(std::move(uses), std::move(socket), std::move(seat));
  boost::asio::post(made->executor(), [made] { made->start(); });
}

} // namespace starling::net
