#pragma once

#include <cstddef>
#include <string>

struct bio_st;

namespace starling::net {

/// The socket as OpenSSL sees it: it reads from the descriptor, and what it writes is kept here until the socket has
/// taken it. So OpenSSL never has to be asked again with the same bytes, which an outbox may have forgotten by then.
///
/// Owns no buffer while nothing waits.
class tls_wire {
public:
  explicit tls_wire(int descriptor) : descriptor_(descriptor) {}
  tls_wire(const tls_wire&) = delete;
  tls_wire& operator=(const tls_wire&) = delete;

  /// What OpenSSL reads and writes by; the caller hands it to an SSL, which frees it. This outlives it.
  bio_st* make_bio();

  /// Writes what waits, as far as the socket takes it. 0: all has left; else errno, EAGAIN if the socket is full.
  int flush();
  bool waits() const { return !waiting_.empty(); }
  /// errno of the last read since `clear_error`; 0: it went well, or there was none.
  int read_error() const { return read_error_; }
  void clear_error() { read_error_ = 0; }

  // Of the BIO.
  int read(char* into, int size);
  bool keep(const char* bytes, int size);

private:
  int descriptor_;
  int read_error_ = 0;
  std::size_t written_ = 0; // of `waiting_`
  std::string waiting_;
};

} // namespace starling::net
