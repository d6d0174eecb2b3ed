#include "net/tls_wire.hpp"

#include <cerrno>
#include <new>

#include <openssl/bio.h>
#include <sys/socket.h>

namespace starling::net {

namespace {

// More than a record, or what a server says in a handshake. Only who asks for answers (new keys, again and again) and
// reads none comes here: OpenSSL is told that the socket is broken.
constexpr std::size_t waiting_bytes_max = 128 * 1024;

tls_wire& wire_of(BIO* bio) { return *static_cast<tls_wire*>(BIO_get_data(bio)); }

int read_bio(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  auto n = wire_of(bio).read(into, size);
  if (n < 0 && wire_of(bio).read_error() == EAGAIN) BIO_set_retry_read(bio);
  return n;
}

int write_bio(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  return wire_of(bio).keep(bytes, size) ? size : -1;
}

long control_bio(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

/// How a BIO does what it does; one for all, for as long as the process lives.
const BIO_METHOD* method() {
  static const BIO_METHOD* const made = [] {
    auto* how = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "client socket");
    BIO_meth_set_read(how, read_bio);
    BIO_meth_set_write(how, write_bio);
    BIO_meth_set_ctrl(how, control_bio);
    return how;
  }();
  return made;
}

} // namespace

bio_st* tls_wire::make_bio() {
  auto* made = BIO_new(method());
  if (!made) throw std::bad_alloc();
  BIO_set_data(made, this);
  BIO_set_init(made, 1);
  return made;
}

int tls_wire::read(char* into, int size) {
  for (;;) {
    auto n = ::recv(descriptor_, into, static_cast<std::size_t>(size), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    read_error_ = n < 0 ? errno : 0;
    return static_cast<int>(n);
  }
}

bool tls_wire::keep(const char* bytes, int size) {
  auto n = static_cast<std::size_t>(size);
  if (waiting_.size() + n > waiting_bytes_max) return false;
  waiting_.append(bytes, n);
  return true;
}

int tls_wire::flush() {
  while (written_ < waiting_.size()) {
    auto n = ::send(descriptor_, waiting_.data() + written_, waiting_.size() - written_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      written_ += static_cast<std::size_t>(n);
    } else if (errno == ENOBUFS) {
      return EAGAIN; // as the plain way out has it
    } else if (errno != EINTR) {
      return errno;
    }
  }
  waiting_ = std::string();
  written_ = 0;
  return 0;
}

} // namespace starling::net
