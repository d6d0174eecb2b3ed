#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "chat/error.hpp"

namespace prometheus {
class Collectable;
}

namespace starling::net {

/// Counts from any thread; read when somebody asks for /metrics.
using counter = std::atomic<std::uint64_t>;

inline void add(counter& which, std::uint64_t n = 1) { which.fetch_add(n, std::memory_order_relaxed); }

/// Why a frame did not reach its client.
enum class drop_reason : std::uint8_t {
  half_full, // ephemeral, and the client reads slowly
  full,      // the outbox was full: the connection ends with 4008
  closed,    // the connection had ended, or ended before the frame was sent
};
inline constexpr std::array<const char*, 3> drop_reason_names{"half_full", "full", "closed"};

/// Why a connection or an upgrade was not served.
enum class refusal : std::uint8_t {
  limit,        // limits::connections is reached: HTTP 503
  accept_error, // no descriptors or memory: the listener paused
  address,      // limits::connections_per_address is reached: HTTP 429
  origin,       // the page is not among node.origins: HTTP 403
  barred,       // limits::refused_opens_per_minute is reached: HTTP 429
  tls,          // the TLS handshake failed, or took too long
  plain_http,   // the client spoke HTTP where there is TLS: HTTP 400
};
inline constexpr std::array<const char*, 7> refusal_names{"limit",  "accept_error", "address",   "origin",
                                                          "barred", "tls",          "plain_http"};

/// How an attempt to open a session ended.
enum class open_result : std::uint8_t {
  opened,
  renewed,
  refused,   // the token is not good
  timed_out, // timings::open is over
  put_off,   // limits::opens_per_second is reached: close 4013
  barred,    // limits::refused_opens_per_minute is reached: close 1008
};
inline constexpr std::array<const char*, 6> open_result_names{"opened",    "renewed", "refused",
                                                              "timed_out", "put_off", "barred"};

/// What the layer between sockets and sessions counts.
struct traffic {
  counter accepted = 0;
  std::array<counter, refusal_names.size()> refused{};
  std::array<counter, open_result_names.size()> opens{};
  counter frames_in = 0, frames_out = 0;
  counter frames_accepted = 0;         // offered to outboxes: they were or will be written, or are among `drops`
  counter bytes_in = 0, bytes_out = 0; // WebSocket only, framing included in what goes out
  counter sends = 0;                   // system calls that wrote frames
  std::array<counter, drop_reason_names.size()> drops{};
  counter pings = 0;
  counter requests_refused = 0; // answered with an error before any session saw them

  /// Closes by code, of either side's; a code outside the list counts as `other`, none at all as `none`.
  void closed(std::uint16_t code);
  static constexpr std::array<std::uint16_t, 14> close_codes{1000, 1001, 1002, 1003, 1007, 1008, 1009,
                                                             1011, 4001, 4002, 4008, 4009, 4013, 0};
  std::array<counter, close_codes.size() + 1> closes{}; // the last is `other`

  counter consoles_open = 0;    // pages of the console, now
  counter consoles_refused = 0; // beyond their number, by the rules of inspect.web, or without the token
  counter console_asks = 0;
  counter console_rests = 0; // times that a page asked too much and was kept waiting

  std::array<counter, 6> http_answers{}; // by the first digit of the status
};

inline counter& at(std::array<counter, 3>& drops, drop_reason why) { return drops[static_cast<std::size_t>(why)]; }

/// The page /metrics: everything that was added, in Prometheus' text format.
class metrics_page {
public:
  void add(std::shared_ptr<prometheus::Collectable> what);
  std::string text() const;

private:
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<prometheus::Collectable>> sources_;
};

/// Sizes that are counted only when somebody asks.
struct traffic_gauges {
  std::size_t http_connections = 0;
  std::size_t websocket_connections = 0;
  std::size_t outbox_bytes = 0;
  std::size_t outbox_frames = 0;
};

/// Shows `what` as metrics named starling_*; `gauges` is called for each page.
std::shared_ptr<prometheus::Collectable> collect(std::shared_ptr<const traffic> what,
                                                 std::function<traffic_gauges()> gauges);

} // namespace starling::net
