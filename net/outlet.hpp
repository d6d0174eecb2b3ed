#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "actors/ports.hpp"
#include "actors/turn.hpp"
#include "chat/outbox.hpp"
#include "net/registry.hpp"
#include "net/tls_channel.hpp"

namespace starling::net {

class flusher;
struct traffic;

/// The way out of a connection: everything that is written to its socket goes through here, from any thread, in one
/// order.
///
/// Knows sockets but not what reads from them: `websocket` does the rest. One thread at a time writes (`busy_`); what
/// is pushed meanwhile is taken by it before it ends, several frames with one system call. The lock is not held during
/// that call, so that a room that pushes to many clients does not wait for the kernel.
class outlet : public client, public tracked, public writer {
public:
  outlet(flusher& writes, traffic& counts, std::size_t bytes_max);

  void push(const frame& what, frame_kind kind) final;
  void hold() final;
  void release(const frame& first, const frame& place = nullptr) final;
  void keep_place(const frame& place) final;
  void push_now(const frame& what) final;

  /// As `push`, but if this returns true the caller must see to it that `write` is called soon; and it must have
  /// counted the frame (`count_accepted`).
  bool enqueue(const frame& what, frame_kind kind);
  /// Writes what waits, as far as the socket takes it.
  void write() final;
  /// Has the processor fetch what `enqueue` and `write` touch: among thousands of connections, none is in its cache.
  void expect() const;

  /// Counts frames that are about to be offered to outlets that share these counts: those of one push at once.
  void count_accepted(std::size_t frames) const;

  void count_waiting(std::size_t& frames, std::size_t& bytes) const final;
  std::shared_ptr<outlet> self() { return std::static_pointer_cast<outlet>(shared_from_this()); }

protected:
  /// From now on `write` writes to this descriptor, by TLS if there is any.
  void attach(int descriptor, std::unique_ptr<tls_channel> tls = nullptr);
  /// What is to be read through; null: the socket itself.
  tls_channel* tls() const { return tls_.get(); }

  /// Takes a close frame, to be written after all else, and nothing more from then on. With `first`, a frame that goes
  /// before it. False: there was one already.
  bool finish(close_code code, std::string_view reason, const frame& first = {});

  /// As `finish`, for a connection that never became a WebSocket: there is no close frame.
  bool finish_silently();

  /// Answers the client's close frame, unless ours has been taken already.
  void put_back(const frame& closing);

  /// Calls `release_socket`, now or, if another thread is just writing, from there when it is done; once.
  void detach();

  bool finishing() const;
  /// The code of the close frame that was sent; 0 if there was none.
  std::uint16_t close_sent() const;

private:
  // These are called from any thread, without the lock.

  /// Calls `write` when the socket takes more.
  virtual void wait_writable() = 0;
  /// A close frame has been taken: the last bytes are on their way.
  virtual void on_finishing() = 0;
  /// All has been written, the close frame too.
  virtual void on_finished() = 0;
  /// The socket takes no more: the client is gone.
  virtual void on_broken() = 0;
  /// Nobody writes any more.
  virtual void release_socket() = 0;

  using lock = std::unique_lock<std::mutex>;
  template <class Step>
  bool taking(std::size_t frames, Step step);
  bool finish(std::uint16_t code, frame closing, const frame& first);
  void finish_locked(std::uint16_t code, frame closing);
  bool start_writing();
  ssize_t send(std::span<const std::string_view> pieces);
  void account(std::span<const std::string_view> pieces, std::size_t sent, std::size_t closing_bytes);
  static void trace(std::span<const std::string_view> pieces, std::size_t sent,
                    std::chrono::steady_clock::time_point began);
  void rest(lock& guard);
  void drop_waiting();
  bool closing_waits() const;

  flusher& writes_;
  traffic& counts_;
  mutable std::mutex mutex_;
  outbox waiting_;
  frame closing_; // the close frame: stands outside the outbox, so that there is always room for it
  std::size_t closing_written_ = 0;
  std::unique_ptr<tls_channel> tls_; // as of `attach`
  int descriptor_ = -1;
  std::uint16_t close_code_ = 0;
  bool busy_ = false;      // a write is on its way or under way, or the socket is full and watched
  bool sending_ = false;   // a thread is in the system call
  bool finishing_ = false; // nothing more is taken
  bool finished_ = false;
  bool detached_ = false;
};

} // namespace starling::net
