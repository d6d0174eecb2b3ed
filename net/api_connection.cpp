#include <optional>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <openssl/crypto.h>

#include "net/api_routes.hpp"
#include "net/api_services.hpp"

namespace starling::net {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

// To ask, from the first byte waited for to the last one of the body; and as long again to be answered.
constexpr std::chrono::seconds exchange_time{10};
constexpr std::size_t header_bytes_max = 16 * 1024;
constexpr std::size_t body_bytes_max = 64 * 1024;

using request_parser = http::request_parser<http::string_body>;
using stream = beast::basic_stream<asio::ip::tcp, api_strand>;
using timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, api_strand>;

/// Is it "Bearer <key>"? How long it takes tells nothing but the length.
bool shows_key(std::string_view authorization, const std::string& key) {
  constexpr std::string_view scheme = "Bearer ";
  if (!beast::iequals(authorization.substr(0, scheme.size()), scheme)) return false;
  authorization.remove_prefix(scheme.size());
  return authorization.size() == key.size() && CRYPTO_memcmp(authorization.data(), key.data(), key.size()) == 0;
}

bool is_json(std::string_view content_type) {
  auto type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' '))
    type.remove_suffix(1);
  return beast::iequals(type, "application/json");
}

/// One client of the server API. Everything runs on the socket's strand.
class api_connection final : public std::enable_shared_from_this<api_connection> {
public:
  api_connection(std::shared_ptr<api_services> uses, api_socket socket)
      : uses_(std::move(uses)), patience_(socket.get_executor()), stream_(std::move(socket)) {}
  ~api_connection() {
    --uses_->open;
    uses_->place_free();
  }

  void read() {
    parser_.emplace();
    parser_->header_limit(header_bytes_max);
    parser_->body_limit(body_bytes_max);
    stream_.expires_after(exchange_time);
    http::async_read_header(stream_, received_, *parser_,
                            [self = me()](error_code why, std::size_t) { self->on_header(why); });
  }

  stream::executor_type executor() { return stream_.get_executor(); }

private:
  std::shared_ptr<api_connection> me() { return shared_from_this(); }

  void on_header(error_code why);
  std::optional<http_answer> refuse_header();
  void read_body();
  void on_body(error_code why);
  void ask();
  void answer(http_answer what, bool keep_alive);
  void on_written(error_code why);
  void drain();
  std::optional<http_answer> answer_to(error_code why) const;

  std::shared_ptr<api_services> uses_;
  timer patience_; // with those who carry out the call
  stream stream_;
  beast::flat_buffer received_{2 * header_bytes_max + body_bytes_max};
  std::optional<request_parser> parser_;
  api_match match_;
  http::response<http::empty_body> go_on_;
  http::response<http::string_body> response_;
  std::uint64_t turn_ = 0; // counts calls, so that an answer that comes too late is none to the next
};

/// What a client is told whose request cannot be read; nothing if it has gone, or was too slow to be told anything.
std::optional<http_answer> api_connection::answer_to(error_code why) const {
  if (why == http::error::body_limit) return api_error(413, "the body is larger than 64 KiB");
  if (why == http::error::header_limit || why == http::error::buffer_overflow)
    return api_error(431, "the header is larger than 16 KiB");
  bool is_http = why.category() == error_code(http::error::bad_method).category();
  if (is_http && why != http::error::end_of_stream && why != http::error::partial_message)
    return api_error(400, "not an HTTP request: " + why.message());
  return {};
}

void api_connection::on_header(error_code why) {
  if (why) {
    if (auto what = answer_to(why)) return answer(std::move(*what), false);
    if (parser_->got_some()) ++uses_->unanswered;
    return;
  }
  if (auto refused = refuse_header()) {
    // A body that is not read could not be told from the next request.
    auto has_body = parser_->chunked() || parser_->content_length().value_or(0) > 0;
    return answer(std::move(*refused), !has_body);
  }
  if (match_.route->call.empty()) return answer(api_document(), true);
  read_body();
}

std::optional<http_answer> api_connection::refuse_header() {
  auto& request = parser_->get();
  auto found = find_api_route(request.method_string(), request.target());
  auto* match = std::get_if<api_match>(&found);
  bool is_public = match && match->route->call.empty();
  if (!is_public && !shows_key(request[http::field::authorization], uses_->key))
    return api_error(401, "show the key: Authorization: Bearer <key>", "WWW-Authenticate: Bearer");
  if (!match) return std::get<http_answer>(std::move(found));
  match_ = std::move(*match);
  auto length = parser_->content_length();
  bool has_body = parser_->chunked() || length.value_or(0) > 0;
  if (match_.route->body == api_body::required && !parser_->chunked() && !length)
    return api_error(411, "a body is needed, and its Content-Length");
  if (match_.route->body == api_body::none && has_body) return api_error(400, "this call has no body");
  if (has_body && !is_json(request[http::field::content_type]))
    return api_error(415, "the body is JSON: Content-Type: application/json");
  return {};
}

void api_connection::read_body() {
  auto next = [self = me()](error_code why, std::size_t) {
    if (why) return self->on_body(why);
    http::async_read(self->stream_, self->received_, *self->parser_,
                     [self](error_code ended, std::size_t) { self->on_body(ended); });
  };
  if (!beast::iequals(parser_->get()[http::field::expect], "100-continue")) return next({}, 0);
  go_on_ = {http::status::continue_, 11};
  http::async_write(stream_, go_on_, std::move(next));
}

void api_connection::on_body(error_code why) {
  if (!why) return ask();
  if (auto what = answer_to(why)) return answer(std::move(*what), false);
  ++uses_->unanswered;
}

void api_connection::ask() {
  auto& request = parser_->get();
  bool keep_alive = request.keep_alive();
  auto call = read_api_call(match_, request.target(), request.body(), uses_->limits);
  if (auto* refused = std::get_if<http_answer>(&call)) return answer(std::move(*refused), keep_alive);
  auto give = [self = me(), turn = ++turn_, keep_alive](http_answer what) {
    if (turn != self->turn_) return;
    ++self->turn_;
    self->patience_.cancel();
    self->answer(std::move(what), keep_alive);
  };
  stream_.expires_never();
  patience_.expires_after(exchange_time);
  patience_.async_wait([give](error_code cancelled) {
    if (!cancelled) give(api_error(503, "no answer in time: it may have been done", "Retry-After: 1"));
  });
  auto done = [give, on = executor(), route = match_.route](api_outcome what) {
    asio::post(on, [give, route, what = std::move(what)]() mutable { give(api_answer(*route, std::move(what))); });
  };
  if (!uses_->ask(std::get<api_call>(std::move(call)), std::move(done)))
    give(api_error(503, "this node is leaving", "Retry-After: 1"));
}

void api_connection::answer(http_answer what, bool keep_alive) {
  uses_->count(what.status);
  response_ = {};
  response_.result(static_cast<unsigned>(what.status));
  response_.set(http::field::server, "starling");
  response_.set(http::field::content_type, what.content_type);
  response_.set(http::field::cache_control, "no-store");
  response_.set("X-Content-Type-Options", "nosniff");
  if (auto colon = what.extra.find(": "); colon != std::string::npos)
    response_.set(what.extra.substr(0, colon), what.extra.substr(colon + 2));
  response_.keep_alive(keep_alive && parser_->get().keep_alive());
  response_.body() = std::move(what.body);
  response_.prepare_payload();
  stream_.expires_after(exchange_time);
  http::async_write(stream_, response_, [self = me()](error_code why, std::size_t) { self->on_written(why); });
}

void api_connection::on_written(error_code why) {
  if (why) return;
  if (response_.keep_alive()) return read();
  // Shut for sending first and read on: closing with unread bytes would reset, and the answer could be lost.
  error_code ignored;
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  drain();
}

/// Until the client has gone, or its time is over.
void api_connection::drain() {
  received_.clear();
  stream_.async_read_some(received_.prepare(4096), [self = me()](error_code why, std::size_t) {
    if (!why) self->drain();
  });
}

} // namespace

void start_api_connection(std::shared_ptr<api_services> uses, api_socket socket) {
  auto made = std::make_shared<api_connection>(std::move(uses), std::move(socket));
  asio::post(made->executor(), [made] { made->read(); });
}

} // namespace starling::net
