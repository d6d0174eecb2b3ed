#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace starling::test {

/// A direction through a proxy: from its clients to the server behind it, or back.
enum class flow { to_server, to_client };

/// What is done to the bytes of one direction; with the defaults, nothing.
struct faults {
  std::chrono::milliseconds delay{0}; // of each byte and of the end, from its coming to its going; the order stays
  bool stall = false;        // a black hole: what comes is held, up to `held_bytes_max`, and goes when it heals
  bool single_bytes = false; // each byte is a write of its own, with TCP_NODELAY
  bool half_open = false;    // that the sender has ended (FIN or RST) is told only when it heals
};

/// What a proxy does with whoever connects.
enum class admission {
  serve,
  reset,  // accept, then RST
  refuse, // nobody listens: the kernel refuses
};

struct fault_proxy_options {
  /// Per connection and direction. While as many are held the sender is not read from: soon its kernel takes no more.
  std::size_t held_bytes_max = 1024 * 1024;
  /// SO_RCVBUF of the connections to the server, in bytes; 0: the system's, which grows to megabytes. Small, to have
  /// the server notice a stall soon.
  int receive_buffer_bytes = 0;
  std::size_t connections_max = 1024; // at a time; beyond: RST
  std::string network_namespace =
      {}; // a file: from there it connects to the server, but listens here; empty: both here
};

/// Of one direction, all connections together.
struct flow_counts {
  std::uint64_t bytes = 0;  // passed on
  std::uint64_t writes = 0; // system calls that this took
  std::uint64_t held = 0;   // bytes, now: read and not yet passed on
  std::uint64_t lost = 0;   // bytes that were read and never passed on, since the connection or its receiver had ended
};

struct fault_proxy_counts {
  std::uint64_t accepted = 0; // connections, with those that were reset at once
  std::uint64_t open = 0;     // connections, now
  std::uint64_t chosen = 0;   // those of them that faults are for
  flow_counts to_server;
  flow_counts to_client;
};

/// Passes TCP connections on to a server, and harms them as it is told: the bad network that a test needs between two
/// processes.
///
/// Works on a thread of its own. Functions may be called from any other thread and return when what they say is in
/// force, for the connections that are there and for those to come. What the kernel has taken is out of reach: faults
/// concern what is not yet written. A connection is accepted whatever its faults are, as if they began just then.
class fault_proxy {
public:
  /// Does it mean a connection, by the first bytes that the client has sent?
  using predicate = std::function<bool(std::string_view first_bytes)>;

  /// Listens on a port of 127.0.0.1 outside the range of the kernel's client ports, and for each client connects to
  /// `host` (a numeric address) and `port`; the client is reset if that fails. Throws std::system_error.
  fault_proxy(const std::string& host, std::uint16_t port, fault_proxy_options options = {});
  ~fault_proxy();
  fault_proxy(const fault_proxy&) = delete;
  fault_proxy& operator=(const fault_proxy&) = delete;

  /// Stays, whatever is admitted.
  std::uint16_t port() const;

  /// Puts these faults in place of the earlier ones of both directions, or of one.
  void inject(const faults& what);
  void inject(flow where, const faults& what);
  /// From now on faults, and `reset`, are for those connections only that `chosen` means; an empty one means all.
  /// It is asked on the proxy's thread, again whenever more of a client's first 256 bytes have come and before they
  /// are passed on; a client that has sent nothing is not meant.
  void only(predicate chosen);
  void admit(admission how);
  /// Ends the connections on both sides by RST (SO_LINGER 0), with what is held. Returns how many there were.
  std::size_t reset();
  /// As at the beginning: no faults, for all connections, newcomers are served. What was held goes first.
  void heal();

  fault_proxy_counts counts() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace starling::test
