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

#include "actors/log.hpp"
#include "net/client_stream.hpp"
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

/// All lines of the header, in their order: some proxies add a line of their own.
std::string forwarded_for(const upgrade_request& request) {
  std::string all;
  auto [line, end] = request.equal_range("X-Forwarded-For");
  for (; line != end; ++line)
    all.append(all.empty() ? "" : ",").append(line->value());
  return all;
}

/// A connection that speaks HTTP. Everything runs on the socket's strand, except what is marked.
class http_connection final : public tracked {
public:
  http_connection(std::shared_ptr<services> uses, client_stream stream, registry::seat seat)
      : uses_(std::move(uses)), stream_(std::move(stream)), seat_(std::move(seat)), received_(2 * header_bytes_max) {}

  void start() {
    seat_.take(weak_from_this());
    if (!stream_.tls()) return read();
    shaking_hands_ = true;
    set_deadline();
    shake_hands();
  }

  strand executor() { return stream_.get_executor(); }

  // Any thread:
  void look() override { on_strand(&http_connection::check_deadline); }
  void leave(close_code code, std::string reason, milliseconds delay) override;
  bool is_websocket() const override { return false; }
  void count_waiting(std::size_t&, std::size_t&) const override {}

private:
  void set_deadline();
  void shake_hands();
  void shake_hands_when(tcp_socket::wait_type ready);
  void refuse_handshake(bool plain_http);
  void read();
  void on_header(error_code why);
  void upgrade();
  void upgrade_console();
  console_visit visit() const;
  ip_address peer() const;
  void answer(http_answer what, bool keep_alive);
  void on_written(error_code why);
  void end_sending();
  void drain();
  void close() { stream_.close(); }
  void check_deadline();

  std::shared_ptr<http_connection> me() { return std::static_pointer_cast<http_connection>(shared_from_this()); }
  template <class Step>
  void on_strand(Step step) {
    boost::asio::post(stream_.get_executor(), [self = me(), step] { (self.get()->*step)(); });
  }

  std::shared_ptr<services> uses_;
  client_stream stream_;
  registry::seat seat_;
  beast::flat_buffer received_;
  std::optional<request_parser> parser_;
  response response_;
  steady_time until_{};
  std::weak_ptr<tracked> successor_; // after an upgrade
  bool leaving_ = false;
  bool shaking_hands_ = false; // of TLS
  bool idle_ = false;          // waits for a request of which nothing has come
};

void http_connection::set_deadline() {
  until_ = steady_clock::now() + exchange_time;
  seat_.wake(until_);
}

void http_connection::shake_hands() {
  using step = tls_channel::step;
  switch (auto next = stream_.tls()->shake_hands()) {
  case step::done:
    shaking_hands_ = false;
    return read();
  case step::wait_readable:
    return shake_hands_when(tcp_socket::wait_read);
  case step::wait_writable:
    return shake_hands_when(tcp_socket::wait_write);
  case step::plain_http:
  case step::failed:
    return refuse_handshake(next == step::plain_http);
  }
}

void http_connection::shake_hands_when(tcp_socket::wait_type ready) {
  stream_.socket().async_wait(ready, [self = me()](error_code why) {
    if (!why) self->shake_hands();
  });
}

void http_connection::refuse_handshake(bool plain_http) {
  shaking_hands_ = false;
  log::debug("tls.refused", "reason=\"{}\"", stream_.tls()->trouble());
  add(uses_->counts->refused[static_cast<std::size_t>(plain_http ? refusal::plain_http : refusal::tls)]);
  stream_.leave_tls();
  if (plain_http)
    return answer({400, "text/plain; charset=utf-8", "this port speaks TLS: use https:// or wss://\n", {}, {}}, false);
  end_sending();
}

void http_connection::read() {
  parser_.emplace();
  parser_->header_limit(header_bytes_max);
  set_deadline();
  idle_ = received_.size() == 0;
  http::async_read_header(stream_, received_, *parser_, [self = me()](error_code why, std::size_t) {
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
  if (auto refused = uses_->door.refuse_forwarded(seat_, peer(), forwarded_for(request)))
    return answer(std::move(*refused), false);
  if (request.method() == http::verb::get && path_of(request.target()) == "/ws" &&
      beast::websocket::is_upgrade(request)) {
    if (leaving_)
      return answer({503, "text/plain; charset=utf-8", "this node is leaving\n", {}, "Retry-After: 1"}, false);
    if (auto refused =
            uses_->door.refuse_upgrade(seat_.client(), request[http::field::origin], request[http::field::host]))
      return answer(std::move(*refused), false);
    return upgrade();
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
  successor_ = start_websocket(std::move(uses_), std::move(stream_), std::move(seat_), parser_->release(), received_);
}

console_visit http_connection::visit() const {
  const auto& request = parser_->get();
  auto is_there = [&](const char* name) { return request.find(name) != request.end(); };
  return {request[http::field::host], request[http::field::origin],
          is_there("X-Forwarded-For") || is_there("Forwarded"), plain(peer()).is_loopback()};
}

/// 0.0.0.0 if it has gone.
ip_address http_connection::peer() const {
  error_code gone;
  return stream_.socket().remote_endpoint(gone).address();
}

void http_connection::upgrade_console() {
  constexpr auto plain = "text/plain; charset=utf-8";
  if (!beast::websocket::is_upgrade(parser_->get()))
    return answer({426, plain, "connect to this path with a WebSocket\n", {}, "Upgrade: websocket"}, false);
  if (leaving_) return answer({503, plain, "this node is leaving\n", {}, "Retry-After: 1"}, false);
  auto place = take_console_place(*uses_);
  if (!place) return answer({503, plain, "too many pages of the console are open\n", {}, "Retry-After: 5"}, false);
  successor_ = start_console_socket(std::move(uses_), std::move(stream_), std::move(seat_), parser_->release(),
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
  http::async_write(stream_, response_, [self = me()](error_code why, std::size_t) { self->on_written(why); });
}

void http_connection::on_written(error_code why) {
  if (why) return close();
  if (response_.keep_alive() && !leaving_) return read();
  end_sending();
}

/// Shuts for sending first and reads on: closing with unread bytes would reset, and the answer could be lost.
void http_connection::end_sending() {
  stream_.end_sending();
  drain();
}

void http_connection::drain() {
  received_.clear();
  // The socket's bytes, by TLS or not: nobody looks at them.
  stream_.socket().async_read_some(received_.prepare(4096), [self = me()](error_code why, std::size_t) {
    if (why) return self->close();
    self->drain();
  });
}

void http_connection::check_deadline() {
  if (!stream_.socket().is_open()) return;
  if (steady_clock::now() >= until_) {
    if (shaking_hands_) add(uses_->counts->refused[static_cast<std::size_t>(refusal::tls)]);
    return close();
  }
  seat_.wake(until_);
}

void http_connection::leave(close_code code, std::string reason, milliseconds delay) {
  boost::asio::post(stream_.get_executor(), [self = me(), code, reason = std::move(reason), delay]() mutable {
    if (auto next = self->successor_.lock()) return next->leave(code, std::move(reason), delay);
    self->leaving_ = true;
    if (self->idle_ || self->shaking_hands_) self->close();
  });
}

} // namespace

void start_connection(std::shared_ptr<services> uses, tcp_socket socket, registry::seat seat) {
  std::unique_ptr<tls_channel> tls;
  if (auto with = uses->tls.load()) tls = std::make_unique<tls_channel>(*with, socket.native_handle());
  client_stream stream(std::move(socket), std::move(tls));
  auto made = std::make_shared<http_connection>(std::move(uses), std::move(stream), std::move(seat));
  boost::asio::post(made->executor(), [made] { made->start(); });
}

} // namespace starling::net
