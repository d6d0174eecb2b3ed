#include "net/tls_channel.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <boost/asio/error.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "net/tls_context.hpp"

namespace starling::net {

namespace {

constexpr std::size_t record_bytes_max = SSL3_RT_MAX_PLAIN_LENGTH;

/// The first bytes of the pieces, as many as a record carries: where they stand if that is in one place, else in memory
/// that the thread's next call uses again.
std::string_view one_record(std::span<const std::string_view> pieces) {
  if (pieces.empty()) return {};
  if (pieces.size() == 1 || pieces.front().size() >= record_bytes_max)
    return pieces.front().substr(0, record_bytes_max);
  thread_local std::array<char, record_bytes_max> together;
  std::size_t size = 0;
  for (auto piece : pieces) {
    auto taken = piece.substr(0, together.size() - size);
    std::copy(taken.begin(), taken.end(), together.begin() + static_cast<std::ptrdiff_t>(size));
    size += taken.size();
  }
  return {together.data(), size};
}

} // namespace

void tls_channel::release::operator()(ssl_st* what) const { SSL_free(what); }

tls_channel::tls_channel(const tls_context& with, int descriptor) : wire_(descriptor), ssl_(with.connect()) {
  auto* bio = wire_.make_bio();
  SSL_set_bio(ssl_.get(), bio, bio);
}

tls_channel::~tls_channel() = default;

int tls_channel::flush() {
  auto why = wire_.flush();
  waits_.store(wire_.waits(), std::memory_order_relaxed);
  return why;
}

tls_channel::step tls_channel::shake_hands() {
  const std::lock_guard guard{mutex_};
  ERR_clear_error();
  auto done = SSL_do_handshake(ssl_.get());
  auto state = SSL_get_error(ssl_.get(), done);
  const bool http = state == SSL_ERROR_SSL && ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST;
  if (state == SSL_ERROR_SSL) trouble_ = take_tls_reason();
  auto left = flush();
  if (state == SSL_ERROR_NONE || state == SSL_ERROR_WANT_READ) {
    if (left == EAGAIN) return step::wait_writable;
    if (left == 0) return state == SSL_ERROR_NONE ? step::done : step::wait_readable;
  }
  broken_ = true;
  if (trouble_.empty()) trouble_ = "the client went";
  return http ? step::plain_http : step::failed;
}

std::size_t tls_channel::read_some(std::span<char> into, boost::system::error_code& why) {
  const std::lock_guard guard{mutex_};
  std::size_t total = 0;
  int state = broken_ ? SSL_ERROR_SSL : SSL_ERROR_NONE;
  while (state == SSL_ERROR_NONE && total < into.size()) {
    std::size_t n = 0;
    state = read_record(into.subspan(total), n);
    total += n;
    if (SSL_has_pending(ssl_.get()) == 0) break; // saves the system call that would say so
  }
  broken_ = state == SSL_ERROR_SSL || state == SSL_ERROR_SYSCALL;
  // What a read has made OpenSSL say, new keys or an alert, leaves now or before the next record.
  flush();
  more_ = is_more(state);
  if (total > 0) return total;
  if (state == SSL_ERROR_WANT_READ) {
    why = boost::asio::error::would_block;
  } else if (state != SSL_ERROR_NONE) {
    why = boost::asio::error::eof;
    if (wire_.read_error() != 0) why.assign(wire_.read_error(), boost::system::system_category());
  }
  return 0;
}

int tls_channel::read_record(std::span<char> into, std::size_t& bytes) {
  ERR_clear_error();
  wire_.clear_error();
  return SSL_get_error(ssl_.get(), SSL_read_ex(ssl_.get(), into.data(), into.size(), &bytes));
}

bool tls_channel::is_more(int state) const {
  if (state == SSL_ERROR_NONE) return SSL_has_pending(ssl_.get()) != 0;
  // Else it has handled a record that was not for us, and there may be others behind it.
  if (state == SSL_ERROR_WANT_READ) return wire_.read_error() != EAGAIN;
  return true; // an end that may stand behind bytes is told by the next call
}

ssize_t tls_channel::send(std::span<const std::string_view> pieces) {
  const std::lock_guard guard{mutex_};
  if (auto why = flush(); why != 0 || broken_) {
    errno = why != 0 ? why : EPIPE;
    return -1;
  }
  auto bytes = one_record(pieces);
  if (bytes.empty()) return 0;
  std::size_t taken = 0;
  ERR_clear_error();
  // What it writes is always kept, so it fails only for good. Also if a client has sent half of a message about keys:
  // then OpenSSL writes nothing before the other half has come, and waiting for the socket would be no wait.
  if (SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &taken) != 1) {
    broken_ = true;
    errno = EPROTO;
    return -1;
  }
  flush(); // a socket that is gone says so the next time
  return static_cast<ssize_t>(taken);
}

void tls_channel::end_sending() {
  const std::lock_guard guard{mutex_};
  ERR_clear_error();
  if (!broken_) SSL_shutdown(ssl_.get());
  flush();
}

} // namespace starling::net
