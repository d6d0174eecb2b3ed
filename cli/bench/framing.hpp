#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

/// The client's half of RFC 6455, no more than a load generator needs: cheap, since it shares the machine with what it
/// measures.
namespace starling::cli {

enum class opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// One frame, in place: valid as long as the bytes that it was parsed from.
struct frame_view {
  opcode op = opcode::text;
  bool fin = true;
  std::string_view payload;
  std::size_t size_bytes = 0; // header and payload
};

enum class parse_result : std::uint8_t { whole, partial, bad };

/// Who sent the bytes: a server's frames have no mask; a client's have one, which `append_client_frame` leaves zero.
enum class sender : std::uint8_t { server, client };

/// Reads the frame at the front of `bytes`. `bad`: reserved bits or opcodes, a mask where none belongs or the reverse,
/// a control frame that is fragmented or longer than 125 bytes, a frame beyond `payload_bytes_max`.
parse_result parse_frame(std::string_view bytes, sender from, std::size_t payload_bytes_max, frame_view& frame);

/// Appends a whole frame as a client sends it. Its mask key is zero, which leaves the payload as it is: the key guards
/// against scripts that a browser did not write, which this is not.
void append_client_frame(std::string& out, opcode op, std::string_view payload);

/// The code of a close frame's payload; 1005 if it carries none.
std::uint16_t close_code(std::string_view payload);

/// Cuts a connection's bytes into messages, keeping between two reads only what is not whole yet.
///
/// All connections read into one buffer: `restore` puts the rest of the last read in front, the caller reads behind it
/// and gives the whole to `take`.
class frame_reader {
public:
  /// Copies what was left over to `buffer`, which holds `payload_bytes_max` and more; returns its size.
  std::size_t restore(char* buffer);

  using handler = std::function<void(opcode, std::string_view payload)>;

  /// Calls `on_message` for each whole message (fragments put together) and each control frame in `bytes`, keeps the
  /// rest. Returns false if the bytes break the protocol.
  bool take(std::string_view bytes, std::size_t payload_bytes_max, const handler& on_message);

  /// Keeps `bytes` for the next `restore`.
  void keep(std::string_view bytes) { rest_.assign(bytes); }

private:
  bool take_frame(const frame_view& frame, std::size_t payload_bytes_max, const handler& on_message);

  std::string rest_;
  std::string fragments_;
  opcode fragmented_ = opcode::continuation; // of the message under way; continuation: there is none
};

} // namespace starling::cli
