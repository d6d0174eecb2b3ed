#include "net/websocket.hpp"

#include <chrono>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "actors/log.hpp"
#include "chat/frame_decoder.hpp"
#include "chat/json_text.hpp"
#include "net/deadlines.hpp"
#include "net/intake.hpp"
#include "net/outlet.hpp"
#include "net/proof.hpp"
#include "net/wire.hpp"

namespace starling::net {

namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using std::chrono::steady_clock;
using std::chrono::system_clock;

// For the last frames to leave and for the client's own close; then the socket is shut whatever waits.
constexpr std::chrono::seconds linger{5};

// All connections of a thread read into one buffer.
constexpr std::size_t shared_bytes = 64 * 1024;

constexpr std::string_view subprotocol = "starling.v1";

std::string_view fault_text(std::uint16_t code) {
  switch (static_cast<close_code>(code)) {
  case close_code::not_utf8:
    return "text that is not UTF-8";
  case close_code::too_big:
    return "the frame is too big";
  default:
    return "not as RFC 6455 has it";
  }
}

/// Between `low` and `high`, so that many clients do not come back in one moment.
milliseconds jittered(milliseconds low, milliseconds high) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return milliseconds{std::uniform_int_distribution<milliseconds::rep>{low.count(), high.count()}(random)};
}

std::span<char> shared_buffer() {
  thread_local std::vector<char> buffer(shared_bytes);
  return buffer;
}

bool offers_subprotocol(const upgrade_request& request) {
  auto header = request[http::field::sec_websocket_protocol];
  return http::token_list{header}.exists(subprotocol);
}

/// One WebSocket, from its upgrade to the last byte: reads, deadlines, and the end; `outlet` writes, `intake` answers.
///
/// Beast answers the upgrade request and is gone then: a stream of it would hold 2.5 KB per connection, most of them a
/// read buffer (docs/decisions/0008).
///
/// Everything here runs on the socket's strand, except what is marked.
class websocket final : public outlet {
public:
  websocket(std::shared_ptr<services> uses, tcp_socket socket, registry::seat seat, std::string early)
      : outlet(uses->writes, *uses->counts, uses->limits.outbox_bytes), uses_(std::move(uses)), seat_(std::move(seat)),
        intake_(*uses_, *this, seat_), socket_(std::move(socket)), decoder_(uses_->limits.frame_bytes),
        deadlines_(uses_->timings, steady_clock::now()) {
    decoder_.took(std::move(early));
  }

  void start(const upgrade_request& request, std::unique_ptr<tls_channel> tls);

  // Any thread:
  void close(close_code code, std::string_view reason) override;
  void resume_reading() override { on_strand(&websocket::resume); }
  void look() override { on_strand(&websocket::check_deadlines); }
  void leave(close_code code, std::string reason, milliseconds delay) override;
  bool is_websocket() const override { return true; }

private:
  struct sink {
    websocket& owner;
    void operator()(std::string bytes) const { owner.push_now(std::make_shared<const std::string>(std::move(bytes))); }
  };
  using handshake = beast::websocket::stream<wire<sink>, false>;
  struct departure {
    close_code code;
    std::string reason;
  };

  void accepted(error_code why, std::optional<identity> who, const std::string& refused);
  void wait_readable();
  void on_readable(error_code why);
  void on_more() { on_readable({}); }
  std::size_t read_some(std::span<char> room, error_code& why);
  void take_pieces();
  void take(const frame_decoder::piece& what);
  void take_text(std::string_view text);
  void obey(verdict what);
  void say_goodbye(close_code code, std::string_view reason, milliseconds stay_away);
  void pause(bool on);
  void resume();
  void stream_ended();
  void drain();
  bool discard();
  void end();

  void check_deadlines();
  void act(deadlines::due what);
  void warn();
  void heard();

  // Of `outlet`, any thread:
  void wait_writable() override { on_strand(&websocket::watch_writable); }
  void on_finishing() override { on_strand(&websocket::begin_end); }
  void on_finished() override { on_strand(&websocket::shut_sending); }
  void on_broken() override { on_strand(&websocket::end); }
  void release_socket() override { on_strand(&websocket::close_socket); }

  void watch_writable();
  void begin_end();
  void shut_sending();
  void close_socket();

  std::shared_ptr<websocket> me() { return std::static_pointer_cast<websocket>(shared_from_this()); }
  template <class Step>
  void on_strand(Step step) {
    boost::asio::post(socket_.get_executor(), [self = me(), step] { (self.get()->*step)(); });
  }

  std::shared_ptr<services> uses_;
  registry::seat seat_;
  intake intake_;
  tcp_socket socket_;
  std::unique_ptr<handshake> handshake_; // until the upgrade request is answered
  frame_decoder decoder_;
  std::unique_ptr<departure> departure_;
  deadlines deadlines_;
  steady_time wakes_at_ = deadlines::never;
  std::uint16_t client_code_ = 0; // of its close frame
  bool accepted_ = false;
  bool paused_ = false;
  bool drained_ = false;  // the stream has ended; what still comes is thrown away
  bool finished_ = false; // our close frame has left
  bool ended_ = false;
};

void websocket::start(const upgrade_request& request, std::unique_ptr<tls_channel> tls) {
  seat_.take(weak_from_this());
  attach(socket_.native_handle(), std::move(tls));
  error_code ignored; // a socket that is gone already will say so when it is read
  socket_.non_blocking(true, ignored);
  handshake_ = std::make_unique<handshake>(socket_.get_executor(), sink{*this});
  handshake_->set_option(beast::websocket::stream_base::decorator(
      [echo = offers_subprotocol(request)](beast::websocket::response_type& response) {
        response.set(http::field::server, "starling");
        if (echo) response.set(http::field::sec_websocket_protocol, subprotocol);
      }));

  // A refused client is let in all the same and then told: a browser does not see why an upgrade fails.
  std::optional<identity> who;
  std::string refused;
  if (auto proof = proof_in(request[http::field::authorization], request.target())) {
    auto outcome = uses_->verify(*proof);
    if (auto* why = std::get_if<std::string>(&outcome)) {
      refused = why->empty() ? "refused" : std::move(*why);
      add(uses_->counts->opens[static_cast<std::size_t>(open_result::refused)]);
      uses_->door.note_refused(seat_.client());
    } else {
      who = std::move(std::get<identity>(outcome));
    }
  }
  check_deadlines();
  handshake_->async_accept(request, [self = me(), who = std::move(who), refused = std::move(refused)](
                                        error_code why) mutable { self->accepted(why, std::move(who), refused); });
}

void websocket::accepted(error_code why, std::optional<identity> who, const std::string& refused) {
  handshake_.reset();
  if (ended_) return;
  if (why) return stream_ended(); // Beast has answered by an HTTP error
  accepted_ = true;
  deadlines_.upgraded();
  heard();
  if (!refused.empty()) {
    close(close_code::token_refused, refused);
  } else if (who && !finishing()) {
    obey(intake_.open(std::move(*who)));
    if (intake_.opened()) deadlines_.opened(intake_.expires());
  }
  check_deadlines();
  take_pieces();
}

void websocket::wait_readable() {
  if (tls() && tls()->holds_more()) return on_strand(&websocket::on_more);
  socket_.async_wait(tcp_socket::wait_read, [self = me()](error_code why) { self->on_readable(why); });
}

void websocket::on_readable(error_code why) {
  if (ended_) return;
  auto room = decoder_.room(shared_buffer());
  auto size = why ? 0 : read_some(room, why);
  decoder_.took(size);
  if (why == boost::asio::error::would_block) return wait_readable();
  if (why) return end(); // the client is gone
  heard();
  take_pieces();
}

std::size_t websocket::read_some(std::span<char> room, error_code& why) {
  return tls() ? tls()->read_some(room, why) : socket_.read_some(boost::asio::buffer(room.data(), room.size()), why);
}

/// Takes what has come, then waits for more.
void websocket::take_pieces() {
  while (!paused_ && !drained_) {
    auto piece = decoder_.next();
    if (!piece) break;
    take(*piece);
  }
  if (ended_ || drained_) return;
  decoder_.keep();
  if (auto code = decoder_.fault()) {
    finish(static_cast<close_code>(code), fault_text(code));
    return stream_ended();
  }
  if (!paused_) wait_readable();
}

void websocket::take(const frame_decoder::piece& what) {
  using sort = frame_decoder::sort;
  switch (what.what) {
  case sort::text:
    return take_text(what.payload);
  case sort::binary:
    if (!finishing()) close(close_code::policy, "text frames only");
    return;
  case sort::ping:
    return push_now(make_control_frame(opcode_pong, what.payload));
  case sort::pong:
    return;
  case sort::close:
    client_code_ = close_code_in(what.payload);
    put_back(make_control_frame(opcode_close, what.payload));
    return stream_ended();
  }
}

void websocket::take_text(std::string_view text) {
  add(uses_->counts->frames_in);
  add(uses_->counts->bytes_in, text.size());
  if (finishing()) return; // the client has not seen our close frame yet
  auto next = intake_.take(text);
  obey(next);
  if (intake_.opened() && deadlines_.opened(intake_.expires())) check_deadlines();
  pause(next == verdict::pause);
}

void websocket::obey(verdict what) {
  switch (what) {
  case verdict::go_on:
  case verdict::pause: // `take_text` does it, and ends it
    return;
  case verdict::refuse:
    return close(close_code::token_refused, "too many refused attempts");
  case verdict::bar:
    return close(close_code::policy, "too many sessions were refused to your address");
  case verdict::put_off:
    return say_goodbye(close_code::overloaded, "this node opens as many sessions as it can: come back later",
                       intake_.stays_away());
  }
}

void websocket::pause(bool on) {
  paused_ = on;
  deadlines_.pause(on);
}

void websocket::resume() {
  if (!paused_ || drained_ || ended_) return;
  pause(false);
  heard(); // an answer to a ping may have waited in the socket
  take_pieces();
}

// --- The end. Ours: close frame, wait for the client's, shut. The client's: its close frame goes back, shut. After an
// error of the protocol: close frame, shut. In each case the socket is shut for sending when the outbox is empty, and
// closed when the client has done the same; or when `linger` is over.

void websocket::close(close_code code, std::string_view reason) {
  auto invites = code == close_code::going_away || code == close_code::overloaded || code == close_code::too_slow;
  say_goodbye(code, reason, invites ? jittered(milliseconds{100}, milliseconds{1000}) : milliseconds{0});
}

/// `stay_away`: how long, before it comes back; 0: it is not invited to.
void websocket::say_goodbye(close_code code, std::string_view reason, milliseconds stay_away) {
  auto nodes = json_array();
  if (stay_away.count() > 0 && uses_->node_urls) {
    for (const auto& url : uses_->node_urls())
      nodes.add(url);
  }
  auto params = json_object()
                    .add("reason", reason)
                    .add("reconnect_in_ms", static_cast<std::uint64_t>(stay_away.count()))
                    .add_json("nodes", nodes.text())
                    .text();
  finish(code, reason, make_text_frame(encode_notification("session.closing", params)));
}

void websocket::leave(close_code code, std::string reason, milliseconds delay) {
  boost::asio::post(socket_.get_executor(), [self = me(), when = steady_clock::now() + delay,
                                             word = departure{code, std::move(reason)}]() mutable {
    self->departure_ = std::make_unique<departure>(std::move(word));
    self->deadlines_.leave_at(when);
    self->check_deadlines();
  });
}

void websocket::begin_end() {
  intake_.end();
  if (ended_) return;
  deadlines_.end_by(steady_clock::now() + linger);
  check_deadlines();
  resume(); // to see the client's close frame
}

/// Nothing more is expected of the client.
void websocket::stream_ended() {
  drained_ = true;
  intake_.end();
  if (!accepted_) finish_silently();
  begin_end();
  if (finished_) shut_sending();
  drain();
}

/// Closing a socket with unread bytes resets it, and the client might never see why.
void websocket::drain() {
  socket_.async_wait(tcp_socket::wait_read, [self = me()](error_code why) {
    if (self->ended_) return;
    if (why || !self->discard()) return self->end();
    self->drain();
  });
}

/// False if there is nothing more to come. What is thrown away need not be decrypted.
bool websocket::discard() {
  error_code why;
  auto buffer = shared_buffer();
  socket_.read_some(boost::asio::buffer(buffer.data(), buffer.size()), why);
  return !why || why == boost::asio::error::would_block;
}

void websocket::shut_sending() {
  finished_ = true;
  if (!drained_ || ended_) return;
  if (tls()) tls()->end_sending();
  error_code ignored;
  socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
}

void websocket::end() {
  if (std::exchange(ended_, true)) return;
  intake_.end();
  auto code = close_sent();
  uses_->counts->closed(code != 0 ? code : client_code_);
  if (code == static_cast<std::uint16_t>(close_code::too_slow)) log::info("client.too_slow", "user={}", intake_.user());
  detach();
}

void websocket::close_socket() {
  error_code ignored;
  socket_.close(ignored);
}

void websocket::watch_writable() {
  if (ended_) return write(); // which sees that nobody is there
  socket_.async_wait(tcp_socket::wait_write, [self = me()](error_code) { self->write(); });
}

// --- Deadlines. One wake-up at a time is asked for, the earliest; when it comes, all are looked at afresh.

void websocket::check_deadlines() {
  if (ended_) return;
  auto now = steady_clock::now();
  if (wakes_at_ <= now) wakes_at_ = deadlines::never;
  auto [what, again] = deadlines_.look(now, system_clock::now());
  act(what);
  if (again >= wakes_at_) return;
  wakes_at_ = again;
  seat_.wake(again);
}

void websocket::act(deadlines::due what) {
  static const frame ping_frame = make_control_frame(opcode_ping, {});
  using due = deadlines::due;
  switch (what) {
  case due::nothing:
    return;
  case due::ping:
    add(uses_->counts->pings);
    return push_now(ping_frame);
  case due::warn:
    return warn();
  case due::not_opened:
    add(uses_->counts->opens[static_cast<std::size_t>(open_result::timed_out)]);
    return close(close_code::not_opened_in_time, "session.open did not come in time");
  case due::no_answer:
    return close(close_code::too_slow, "no answer to a ping");
  case due::token_expired:
    return close(close_code::token_refused, "the token has expired");
  case due::leave:
    return close(departure_->code, departure_->reason);
  case due::not_upgraded:
  case due::shut:
    return end();
  }
}

void websocket::warn() {
  auto clock = system_clock::now();
  auto ends = std::chrono::duration_cast<milliseconds>(intake_.expires()->time_since_epoch()).count();
  auto left = deadlines_.token_left(clock).count();
  auto params = json_object().add("expires_at", time_text(ends)).add("in_ms", static_cast<std::uint64_t>(left)).text();
  push(make_text_frame(encode_notification("session.expiring", params)), frame_kind::lasting);
}

void websocket::heard() {
  auto ping = uses_->timings.ping;
  deadlines_.heard(steady_clock::now(), jittered(ping * 3 / 4, ping * 5 / 4));
}

} // namespace

std::weak_ptr<tracked> start_websocket(std::shared_ptr<services> uses, client_stream stream, registry::seat seat,
                                       const upgrade_request& request, const beast::flat_buffer& rest) {
  auto bytes = rest.cdata();
  std::string early(static_cast<const char*>(bytes.data()), bytes.size());
  auto [socket, tls] = stream.release();
  auto made = std::make_shared<websocket>(std::move(uses), std::move(socket), std::move(seat), std::move(early));
  made->start(request, std::move(tls));
  return made;
}

std::size_t websocket_object_bytes() { return sizeof(websocket); }

} // namespace starling::net
