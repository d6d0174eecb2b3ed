#include "net/outlet.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include <sys/socket.h>
#include <sys/uio.h>

#include "actors/trace.hpp"
#include "net/flusher.hpp"
#include "net/metrics.hpp"

namespace starling::net {

namespace {

constexpr std::size_t frames_per_send = 64;

// RFC 6455, 5.5: a control frame carries at most 125 bytes, two of them the code.
constexpr std::size_t reason_bytes_max = 123;

frame make_close_frame(std::uint16_t code, std::string_view reason) {
  if (reason.size() > reason_bytes_max) {
    reason = reason.substr(0, reason_bytes_max);
    while (!reason.empty() && (static_cast<unsigned char>(reason.back()) & 0xc0) == 0x80)
      reason.remove_suffix(1);
    if (!reason.empty() && (static_cast<unsigned char>(reason.back()) & 0x80) != 0) reason.remove_suffix(1);
  }
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  return make_control_frame(opcode_close, payload.append(reason));
}

/// The code in a close frame; 0 if it carries none.
std::uint16_t code_of(std::string_view close) {
  if (close.size() < 4) return 0;
  return static_cast<std::uint16_t>((static_cast<unsigned char>(close[2]) << 8) | static_cast<unsigned char>(close[3]));
}

std::size_t total(std::span<const std::string_view> pieces) {
  std::size_t bytes = 0;
  for (auto piece : pieces)
    bytes += piece.size();
  return bytes;
}

/// As sendmsg, never waiting; errno tells why it failed. A piece alone, which is what most are, costs the kernel less
/// by `send`.
ssize_t send_pieces(int descriptor, std::span<const std::string_view> pieces) {
  constexpr int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
  std::array<iovec, frames_per_send> vectors;
  std::transform(pieces.begin(), pieces.end(), vectors.begin(), [](std::string_view piece) {
    return iovec{const_cast<char*>(piece.data()), piece.size()}; // sendmsg only reads
  });
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = pieces.size();
  for (;;) {
    auto sent = pieces.size() == 1 ? ::send(descriptor, pieces[0].data(), pieces[0].size(), flags)
                                   : ::sendmsg(descriptor, &message, flags);
    if (sent >= 0 || errno != EINTR) return sent;
  }
}

} // namespace

outlet::outlet(flusher& writes, traffic& counts, std::size_t bytes_max)
    : writes_(writes), counts_(counts), waiting_(bytes_max) {}

void outlet::attach(int descriptor, std::unique_ptr<tls_channel> tls) {
  lock guard{mutex_};
  descriptor_ = descriptor;
  tls_ = std::move(tls);
}

void outlet::expect() const {
  constexpr std::size_t cache_line_bytes = 64;
  const auto* from = reinterpret_cast<const char*>(this);
  for (std::size_t i = 0; i < sizeof(outlet); i += cache_line_bytes)
    __builtin_prefetch(from + i, 1);
}

// --- What comes in.

void outlet::push(const frame& what, frame_kind kind) {
  count_accepted(1);
  if (enqueue(what, kind)) writes_.schedule(*this);
}

bool outlet::enqueue(const frame& what, frame_kind kind) {
  return taking(1, [&] { return waiting_.push(what, kind); });
}

void outlet::push_now(const frame& what) {
  count_accepted(1);
  if (taking(1, [&] { return waiting_.push_now(what); })) writes_.schedule(*this);
}

void outlet::hold() {
  lock guard{mutex_};
  waiting_.hold();
}

void outlet::release(const frame& first, const frame& place) {
  const std::size_t frames = first ? 1 : 0;
  count_accepted(frames);
  if (taking(frames, [&] { return waiting_.release(first, place); })) writes_.schedule(*this);
}

void outlet::keep_place(const frame& place) {
  lock guard{mutex_};
  waiting_.keep_place(place);
}

void outlet::put_back(const frame& closing) { finish(code_of(*closing), closing, {}); }

bool outlet::finish(close_code code, std::string_view reason, const frame& first) {
  auto number = static_cast<std::uint16_t>(code);
  return finish(number, make_close_frame(number, reason), first);
}

bool outlet::finish_silently() { return finish(0, nullptr, {}); }

bool outlet::finish(std::uint16_t code, frame closing, const frame& first) {
  bool start = false;
  {
    lock guard{mutex_};
    if (finishing_) return false;
    if (first) {
      count_accepted(1);
      if (waiting_.push_now(first) != pushed::queued) add(at(counts_.drops, drop_reason::full));
    }
    finish_locked(code, std::move(closing));
    start = start_writing();
  }
  on_finishing();
  if (start) writes_.schedule(*this);
  return true;
}

void outlet::finish_locked(std::uint16_t code, frame closing) {
  finishing_ = true;
  close_code_ = code;
  closing_ = std::move(closing);
  if (closing_) count_accepted(1);
}

template <class Step>
bool outlet::taking(std::size_t frames, Step step) {
  bool start = false;
  bool overflow = false;
  {
    lock guard{mutex_};
    if (finishing_) {
      add(at(counts_.drops, drop_reason::closed), frames);
      return false;
    }
    switch (step()) {
    case pushed::queued:
      break;
    case pushed::dropped:
      add(at(counts_.drops, drop_reason::half_full));
      return false;
    case pushed::overflow:
      // What waits would reach the client late or never, and costs memory until then: it resumes from its last seq.
      add(at(counts_.drops, drop_reason::full), frames + waiting_.clear());
      auto code = static_cast<std::uint16_t>(close_code::too_slow);
      finish_locked(code, make_close_frame(code, "too slow: resume with room.sync"));
      overflow = true;
    }
    start = start_writing();
  }
  if (overflow) on_finishing();
  return start;
}

bool outlet::start_writing() {
  if (!waiting_.ready() && !finishing_) return false; // all is held
  return !std::exchange(busy_, true);
}

// --- What goes out.

void outlet::write() {
  lock guard{mutex_};
  for (;;) {
    if (detached_) return;
    std::array<std::string_view, frames_per_send> pieces;
    auto count = waiting_.gather(pieces);
    // Fewer than there is room for: these are all, and only behind all comes the close frame.
    auto closing =
        closing_ && count < pieces.size() ? std::string_view(*closing_).substr(closing_written_) : std::string_view{};
    if (!closing.empty()) pieces[count++] = closing;
    if (count == 0 && !(tls_ && tls_->waits())) return rest(guard);

    // What was gathered stays where it is: frames are appended meanwhile, and only this thread takes any out.
    sending_ = true;
    guard.unlock();
    auto gathered = std::span(pieces).first(count);
    auto began = tracer::write_stamp();
    auto sent = send(gathered);
    auto why = errno;
    guard.lock();
    sending_ = false;
    if (began != trace_time{}) trace(gathered, sent > 0 ? static_cast<std::size_t>(sent) : 0, began);
    account(gathered, sent > 0 ? static_cast<std::size_t>(sent) : 0, closing.size());
    if (detached_) {
      drop_waiting();
      guard.unlock();
      return release_socket();
    }
    if (sent >= 0) continue;
    guard.unlock();
    // Still busy in both cases: nobody else is to try.
    return why == EAGAIN || why == EWOULDBLOCK || why == ENOBUFS ? wait_writable() : on_broken();
  }
}

ssize_t outlet::send(std::span<const std::string_view> pieces) {
  return tls_ ? tls_->send(pieces) : send_pieces(descriptor_, pieces);
}

void outlet::account(std::span<const std::string_view> pieces, std::size_t sent, std::size_t closing_bytes) {
  auto of_waiting = std::min(sent, total(pieces) - closing_bytes);
  waiting_.written(of_waiting);
  closing_written_ += sent - of_waiting;
  if (sent == 0) return;
  std::size_t frames = 0;
  for (auto left = sent; frames < pieces.size() && left >= pieces[frames].size(); ++frames)
    left -= pieces[frames].size();
  add(counts_.sends);
  add(counts_.bytes_out, sent);
  add(counts_.frames_out, frames);
}

/// Tells of the frames that have left whole.
void outlet::trace(std::span<const std::string_view> pieces, std::size_t sent,
                   std::chrono::steady_clock::time_point began) {
  for (auto piece : pieces) {
    if (piece.size() > sent) return;
    sent -= piece.size();
    tracer::instance().note_written(piece.data() + piece.size(), began);
  }
}

void outlet::rest(lock& guard) {
  busy_ = false;
  auto done = finishing_ && !std::exchange(finished_, true);
  guard.unlock();
  if (done) on_finished();
}

void outlet::detach() {
  bool release = false;
  {
    lock guard{mutex_};
    if (std::exchange(detached_, true)) return;
    finishing_ = true;
    release = !sending_; // else the writer sees to what is left
    if (release) drop_waiting();
  }
  if (release) release_socket();
}

/// Nothing is written any more: what has not left, or not whole, never will.
void outlet::drop_waiting() {
  auto dropped = waiting_.clear() + waiting_.frames() + (closing_waits() ? 1 : 0);
  waiting_.written(waiting_.bytes());
  closing_ = nullptr;
  add(at(counts_.drops, drop_reason::closed), dropped);
}

bool outlet::closing_waits() const { return closing_ && closing_written_ < closing_->size(); }

// --- What is asked.

void outlet::count_accepted(std::size_t frames) const { add(counts_.frames_accepted, frames); }

void outlet::count_waiting(std::size_t& frames, std::size_t& bytes) const {
  lock guard{mutex_};
  frames += waiting_.frames() + (closing_waits() ? 1 : 0);
  bytes += waiting_.bytes();
}

bool outlet::finishing() const {
  lock guard{mutex_};
  return finishing_;
}

std::uint16_t outlet::close_sent() const {
  lock guard{mutex_};
  return close_code_;
}

} // namespace starling::net
