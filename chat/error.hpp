#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace starling {

/// Every error that a client may see: JSON-RPC's own and ours. The numbers on the wire are in `describe`.
enum class errc : std::uint8_t {
  none = 0,
  not_json,
  not_a_request,
  no_such_method,
  bad_params,
  internal,
  not_opened,
  forbidden,
  no_such_room,
  conflict,
  too_large,
  too_fast,
  unavailable,
};

/// How an error is told to a client.
struct error_entry {
  int code;              // -32700 .. 503, as in docs/PROTOCOL.md
  std::string_view text; // what stands in `message` when nothing more exact is known
  bool retry;            // may the same request succeed later?
};

const error_entry& describe(errc code);

/// An error on its way to a client.
struct client_error {
  errc code = errc::none;
  std::string text;                // empty: the entry's own text
  std::string param;               // bad_params: which one
  std::int64_t retry_after_ms = 0; // too_fast: when
};

/// How a connection ends on purpose (RFC 6455, 7.4, and ours from 4000).
enum class close_code : std::uint16_t {
  done = 1000,
  going_away = 1001,
  not_utf8 = 1007,
  policy = 1008,
  too_big = 1009,
  internal = 1011,
  token_refused = 4001,
  not_opened_in_time = 4002,
  too_slow = 4008,
  removed = 4009,
  overloaded = 4013,
};

} // namespace starling
