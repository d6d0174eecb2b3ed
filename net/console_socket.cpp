#include "net/console_socket.hpp"

#include <chrono>
#include <optional>
#include <utility>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "actors/log.hpp"
#include "chat/rate_limit.hpp"

namespace starling::net {
namespace {

namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::system::error_code;
using std::chrono::steady_clock;

constexpr std::chrono::seconds proof_time{10};     // for the token; beyond: closed
constexpr std::chrono::seconds handshake_time{10}; // to open and to close
constexpr std::chrono::seconds silence{60};        // pinged at half of it; beyond: closed
constexpr std::size_t message_bytes_max = 64 * 1024;
constexpr double asks_per_second = 50, asks_burst = 100; // beyond: the socket is not read for a while

class console_socket final : public tracked {
public:
  console_socket(std::shared_ptr<services> uses, client_stream socket, registry::seat seat, std::shared_ptr<void> place)
      : uses_(std::move(uses)), socket_(std::move(socket)), seat_(std::move(seat)), place_(std::move(place)),
        rest_(socket_.get_executor()) {
    error_code ignored;
    peer_ = socket_.next_layer().socket().remote_endpoint(ignored).address().to_string();
  }

  void start(beast::http::request<beast::http::empty_body> request);

  // Any thread:
  void look() override { on_strand(&console_socket::check_deadline); }
  void leave(close_code code, std::string reason, milliseconds delay) override;
  bool is_websocket() const override { return true; }
  void count_waiting(std::size_t&, std::size_t&) const override {} // one answer, which is not counted

private:
  void accepted();
  void read();
  void on_message();
  void prove(const std::string& message);
  void let_in();
  void ask(std::string message);
  void write(std::string answer);
  void close(websocket::close_code code, const std::string& reason);
  void check_deadline();

  std::shared_ptr<console_socket> me() { return std::static_pointer_cast<console_socket>(shared_from_this()); }
  template <class Step>
  void on_strand(Step step) {
    boost::asio::post(socket_.get_executor(), [self = me(), step] { (self.get()->*step)(); });
  }

  std::shared_ptr<services> uses_;
  websocket::stream<client_stream> socket_;
  registry::seat seat_;
  std::shared_ptr<void> place_;
  std::string peer_;
  beast::http::request<beast::http::empty_body> request_;
  beast::flat_buffer received_{message_bytes_max};
  std::string answer_;
  std::unique_ptr<console_session> session_; // once it may see the cluster
  token_bucket rate_{asks_per_second, asks_burst};
  boost::asio::basic_waitable_timer<steady_clock, boost::asio::wait_traits<steady_clock>, strand> rest_;
  steady_time prove_by_ = steady_time::max();
  bool open_ = false; // the handshake is over
  bool closing_ = false;
};

void console_socket::start(beast::http::request<beast::http::empty_body> request) {
  seat_.take(weak_from_this());
  request_ = std::move(request);
  socket_.set_option(websocket::stream_base::timeout{handshake_time, silence, true});
  socket_.read_message_max(message_bytes_max);
  socket_.async_accept(request_, [self = me()](error_code why) {
    if (why || self->closing_) return;
    self->open_ = true;
    self->accepted();
  });
}

void console_socket::accepted() {
  if (uses_->console.access != console_access::token) return let_in();
  prove_by_ = steady_clock::now() + proof_time;
  seat_.wake(prove_by_);
  write(R"({"prove":true})");
}

void console_socket::read() {
  received_.clear();
  socket_.async_read(received_, [self = me()](error_code why, std::size_t) {
    if (!why) self->on_message();
  });
}

void console_socket::on_message() {
  if (closing_) return;
  if (!session_) return prove(beast::buffers_to_string(received_.cdata()));
  if (auto wait = rate_.take(steady_clock::now())) {
    add(uses_->counts->console_rests);
    rest_.expires_after(*wait);
    return rest_.async_wait([self = me()](error_code) { self->on_message(); });
  }
  ask(beast::buffers_to_string(received_.cdata()));
}

void console_socket::prove(const std::string& message) {
  if (!uses_->console.proves(message)) {
    add(uses_->counts->consoles_refused);
    log::warn("console.web_refused", "peer={} reason=\"not the cluster's token\"", peer_);
    return close(websocket::close_code::policy_error, "that is not the cluster's token");
  }
  let_in();
}

void console_socket::let_in() {
  session_ = uses_->console.open(peer_);
  write(R"({"proved":true})");
}

void console_socket::ask(std::string message) {
  add(uses_->counts->console_asks);
  session_->ask(std::move(message), [self = me()](std::string answer) {
    boost::asio::post(self->socket_.get_executor(),
                      [self, answer = std::move(answer)]() mutable { self->write(std::move(answer)); });
  });
}

void console_socket::write(std::string answer) {
  if (closing_) return;
  answer_ = std::move(answer);
  socket_.text(true);
  socket_.async_write(boost::asio::buffer(answer_), [self = me()](error_code why, std::size_t) {
    if (!why && !self->closing_) self->read();
  });
}

void console_socket::close(websocket::close_code code, const std::string& reason) {
  if (std::exchange(closing_, true)) return;
  if (!open_) { // there is nobody yet to be told, and Beast takes no close beside a handshake
    socket_.next_layer().close();
    return;
  }
  socket_.async_close({code, reason}, [self = me()](error_code) {});
}

void console_socket::check_deadline() {
  if (closing_) return;
  if (session_) return;
  if (steady_clock::now() < prove_by_) return seat_.wake(prove_by_);
  add(uses_->counts->consoles_refused);
  close(websocket::close_code::policy_error, "no token in time");
}

void console_socket::leave(close_code, std::string reason, milliseconds) {
  boost::asio::post(socket_.get_executor(), [self = me(), reason = std::move(reason)] {
    self->close(websocket::close_code::going_away, reason);
  });
}

} // namespace

std::shared_ptr<void> take_console_place(services& uses) {
  auto& open = uses.counts->consoles_open;
  if (open.fetch_add(1) < console_pages_max)
    return {uses.counts.get(), [counts = uses.counts](void*) { counts->consoles_open.fetch_sub(1); }};
  open.fetch_sub(1);
  add(uses.counts->consoles_refused);
  return nullptr;
}

std::weak_ptr<tracked> start_console_socket(std::shared_ptr<services> uses, client_stream socket, registry::seat seat,
                                            beast::http::request<beast::http::empty_body> request,
                                            std::shared_ptr<void> place) {
  auto made = std::make_shared<console_socket>(std::move(uses), std::move(socket), std::move(seat), std::move(place));
  made->start(std::move(request));
  return made;
}

} // namespace starling::net
