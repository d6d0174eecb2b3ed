#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace starling {

/// A WebSocket frame ready for the wire, header and payload, the same bytes for every receiver:
/// what a server sends is not masked, so it is encoded once per node and shared by all outboxes.
using frame = std::shared_ptr<const std::string>;

/// Returns `payload` as one unfragmented text frame (RFC 6455, 5.2).
frame make_text_frame(std::string_view payload);

/// Returns a control frame (RFC 6455, 5.5) with the payload, which is cut after 125 bytes.
frame make_control_frame(unsigned char opcode, std::string_view payload);

inline constexpr unsigned char opcode_close = 8, opcode_ping = 9, opcode_pong = 10;

/// What a frame carries, for telling which may be dropped when a client reads too slowly.
enum class frame_kind : std::uint8_t {
  lasting,   // replies and messages: never dropped; if there is no room, the connection ends
  ephemeral, // typing, presence, read marks: dropped, and counted, from a half full outbox on
};

} // namespace starling
