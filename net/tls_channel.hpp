#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include <boost/system/error_code.hpp>
#include <sys/types.h>

#include "net/tls_wire.hpp"

struct ssl_st;

namespace starling::net {

class tls_context;

/// TLS of one connection, as calls that never wait: `read_some` and `send` mean what recv and sendmsg on the socket
/// mean where there is no TLS. Reads and writes may come from two threads at a time.
///
/// An idle one holds what OpenSSL needs for a connection and no buffer, neither of plain bytes nor of encrypted ones
/// (docs/decisions/0012).
class tls_channel {
public:
  /// Nothing here closes the descriptor, or uses it unasked.
  tls_channel(const tls_context& with, int descriptor);
  tls_channel(const tls_channel&) = delete;
  tls_channel& operator=(const tls_channel&) = delete;
  ~tls_channel();

  enum class step : std::uint8_t {
    done,
    wait_readable, // then come again
    wait_writable, // then come again
    plain_http,    // the client speaks HTTP and no TLS; nothing has been written
    failed,        // the client has been told why, so far as TLS has a word for it
  };
  /// Goes on with the handshake, which is to be done before all else.
  step shake_hands();
  /// Why the handshake failed.
  const std::string& trouble() const { return trouble_; }

  /// As read_some on the socket: `would_block` if nothing is there, `eof` at the end. The former, too, after a record
  /// that carries nothing for us, so that nobody keeps a thread by such records; see `holds_more`.
  std::size_t read_some(std::span<char> into, boost::system::error_code& why);
  /// Is there more to be read, though the socket may never become readable for it? For the thread that reads.
  bool holds_more() const { return more_; }

  /// As sendmsg: takes bytes of the pieces from the first on, at most a record of them, and returns how many; or -1 and
  /// errno, EAGAIN if the socket is full. What it has taken may wait here (`waits`): then nothing more is taken before
  /// that has left. Without pieces it only sees to that.
  ssize_t send(std::span<const std::string_view> pieces);
  /// Bytes that were taken wait for the socket.
  bool waits() const { return waits_.load(std::memory_order_relaxed); }

  /// Tells the client that nothing more will be sent, if the socket takes it: nobody waits for that.
  void end_sending();

private:
  struct release {
    void operator()(ssl_st* what) const;
  };

  int flush();
  int read_record(std::span<char> into, std::size_t& bytes);
  bool is_more(int state) const;

  std::mutex mutex_;
  tls_wire wire_;
  std::unique_ptr<ssl_st, release> ssl_;
  std::string trouble_;
  std::atomic<bool> waits_ = false;
  bool more_ = false;
  bool broken_ = false; // OpenSSL must not be asked again
};

} // namespace starling::net
