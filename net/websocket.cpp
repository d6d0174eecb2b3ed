#include "net/websocket.hpp"

#include <chrono>
#include <random>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/beast/websocket/stream.hpp>

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

// Requests are mostly short; an idle connection pays for the first piece only.
constexpr std::size_t first_piece_bytes = 256;
constexpr std::size_t next_piece_bytes = 4096;

constexpr std::string_view subprotocol = "starling.v1";

/// Between `low` and `high`, so that many clients do not come back in one moment.
milliseconds jittered(milliseconds low, milliseconds high) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return milliseconds{std::uniform_int_distribution<milliseconds::rep>{low.count(), high.count()}(random)};
}

bool offers_subprotocol(const upgrade_request& request) {
  auto header = request[http::field::sec_websocket_protocol];
  return http::token_list{header}.exists(subprotocol);
}

/// One WebSocket, from its upgrade to the last byte: reads, deadlines, and the end; `outlet` writes, `intake` answers.
///
/// Everything here runs on the socket's strand, except what is marked.
class websocket final : public outlet {
public:
  websocket(std::shared_ptr<services> uses, tcp_socket socket, registry::seat seat, std::string early)
      : outlet(uses->writes, *uses->counts, uses->limits.outbox_bytes), uses_(std::move(uses)), seat_(std::move(seat)),
        intake_(*uses_, *this), stream_(std::move(socket), std::move(early), sink{*this}),
        deadlines_(uses_->timings, steady_clock::now()) {}

  void start(const upgrade_request& request);

  // Any thread:
  void close(close_code code, std::string_view reason) override;
  void resume_reading() override { on_strand(&websocket::resume); }
  void look() override { on_strand(&websocket::check_deadlines); }
  void leave(close_code code, std::string reason, milliseconds delay) override;
  bool is_websocket() const override { return true; }

private:
  struct sink {
    websocket& owner;
    void operator()(std::string bytes) const { owner.put(std::move(bytes)); }
  };
  struct departure {
    close_code code;
    std::string reason;
  };

  void accepted(error_code why, std::optional<identity> who, const std::string& refused);
  void read();
  void on_read(error_code why);
  void take_message();
  void pause(bool on);
  void resume();
  void stream_ended(error_code why);
  void drain();
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
    boost::asio::post(stream_.get_executor(), [self = me(), step] { (self.get()->*step)(); });
  }

  std::shared_ptr<services> uses_;
  registry::seat seat_;
  intake intake_;
  beast::websocket::stream<wire<sink>, false> stream_; // false: no permessage-deflate, which costs much memory
  beast::flat_buffer message_;
  std::unique_ptr<departure> departure_;
  deadlines deadlines_;
  steady_time wakes_at_ = deadlines::never;
  bool accepted_ = false;
  bool paused_ = false;
  bool drained_ = false;  // the stream has ended; what still comes is thrown away
  bool finished_ = false; // our close frame has left
  bool ended_ = false;
};

void websocket::start(const upgrade_request& request) {
  seat_.take(weak_from_this());
  attach(stream_.next_layer().socket().native_handle());
  stream_.read_message_max(uses_->limits.frame_bytes);
  stream_.control_callback([this](beast::websocket::frame_type, beast::string_view) { heard(); });
  stream_.set_option(beast::websocket::stream_base::decorator(
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
    } else {
      who = std::move(std::get<identity>(outcome));
    }
  }
  check_deadlines();
  stream_.async_accept(request, [self = me(), who = std::move(who), refused = std::move(refused)](
                                    error_code why) mutable { self->accepted(why, std::move(who), refused); });
}

void websocket::accepted(error_code why, std::optional<identity> who, const std::string& refused) {
  if (ended_) return;
  if (why) { // Beast has answered by an HTTP error
    stream_ended(why);
    return;
  }
  accepted_ = true;
  deadlines_.upgraded();
  heard();
  if (!refused.empty()) {
    close(close_code::token_refused, refused);
  } else if (who && !finishing()) {
    intake_.open(std::move(*who));
    deadlines_.opened(intake_.expires());
  }
  check_deadlines();
  read();
}

void websocket::read() {
  auto piece = message_.size() == 0 ? first_piece_bytes : next_piece_bytes;
  stream_.async_read_some(message_, piece, [self = me()](error_code why, std::size_t) { self->on_read(why); });
}

void websocket::on_read(error_code why) {
  if (ended_) return;
  if (why) return stream_ended(why);
  heard();
  if (stream_.is_message_done()) take_message();
  if (!paused_) read();
}

void websocket::take_message() {
  auto size = message_.size();
  add(uses_->counts->frames_in);
  add(uses_->counts->bytes_in, size);
  if (finishing()) {
    // The client has not seen our close frame yet.
  } else if (!stream_.got_text()) {
    close(close_code::policy, "text frames only");
  } else {
    auto bytes = message_.cdata();
    auto next = intake_.take({static_cast<const char*>(bytes.data()), bytes.size()});
    if (next == verdict::refuse) close(close_code::token_refused, "too many refused attempts");
    if (intake_.opened() && deadlines_.opened(intake_.expires())) check_deadlines();
    pause(next == verdict::pause);
  }
  message_.clear();
  if (message_.capacity() > 2 * first_piece_bytes) message_.shrink_to_fit();
}

void websocket::pause(bool on) {
  paused_ = on;
  deadlines_.pause(on);
}

void websocket::resume() {
  if (!paused_ || drained_ || ended_) return;
  pause(false);
  heard(); // an answer to a ping may have waited in the socket
  read();
}

// --- The end. Ours: close frame, wait for the client's, shut. The client's: Beast echoes its close frame, shut. After
// an error of the protocol: Beast sends a close frame, shut. In each case the socket is shut for sending when the
// outbox is empty, and closed when the client has done the same; or when `linger` is over.

void websocket::close(close_code code, std::string_view reason) {
  auto invites = code == close_code::going_away || code == close_code::overloaded || code == close_code::too_slow;
  auto nodes = json_array();
  if (invites && uses_->node_urls) {
    for (const auto& url : uses_->node_urls())
      nodes.add(url);
  }
  auto delay = invites ? jittered(milliseconds{100}, milliseconds{1000}) : milliseconds{0};
  auto params = json_object()
                    .add("reason", reason)
                    .add("reconnect_in_ms", static_cast<std::uint64_t>(delay.count()))
                    .add_json("nodes", nodes.text())
                    .text();
  finish(code, reason, make_text_frame(encode_notification("session.closing", params)));
}

void websocket::leave(close_code code, std::string reason, milliseconds delay) {
  boost::asio::post(stream_.get_executor(), [self = me(), when = steady_clock::now() + delay,
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

void websocket::stream_ended(error_code why) {
  drained_ = true;
  intake_.end();
  auto by_protocol = why.category() == error_code(beast::websocket::error::closed).category();
  if (!by_protocol) return end(); // the client is gone
  if (!accepted_) finish_silently();
  begin_end();
  if (finished_) shut_sending();
  drain();
}

void websocket::drain() {
  // Closing a socket with unread bytes resets it, and the client might never see why.
  if (message_.capacity() > next_piece_bytes) message_.shrink_to_fit();
  message_.clear();
  stream_.next_layer().socket().async_read_some(message_.prepare(next_piece_bytes),
                                                [self = me()](error_code why, std::size_t) {
                                                  if (self->ended_) return;
                                                  if (why) return self->end();
                                                  self->drain();
                                                });
}

void websocket::shut_sending() {
  finished_ = true;
  if (!drained_ || ended_) return;
  error_code ignored;
  stream_.next_layer().socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
}

void websocket::end() {
  if (std::exchange(ended_, true)) return;
  intake_.end();
  auto code = close_sent();
  uses_->counts->closed(code != 0 ? code : static_cast<std::uint16_t>(stream_.reason().code));
  detach();
}

void websocket::close_socket() {
  error_code ignored;
  stream_.next_layer().socket().close(ignored);
}

void websocket::watch_writable() {
  if (ended_) return write(); // which sees that nobody is there
  stream_.next_layer().socket().async_wait(boost::asio::ip::tcp::socket::wait_write,
                                           [self = me()](error_code) { self->write(); });
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
  static const frame ping_frame = std::make_shared<const std::string>("\x89\0", 2);
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

std::weak_ptr<tracked> start_websocket(std::shared_ptr<services> uses, tcp_socket socket, registry::seat seat,
                                       const upgrade_request& request, const beast::flat_buffer& rest) {
  auto bytes = rest.cdata();
  std::string early(static_cast<const char*>(bytes.data()), bytes.size());
  auto made = std::make_shared<websocket>(std::move(uses), std::move(socket), std::move(seat), std::move(early));
  made->start(request);
  return made;
}

std::size_t websocket_object_bytes() { return sizeof(websocket); }

} // namespace starling::net
