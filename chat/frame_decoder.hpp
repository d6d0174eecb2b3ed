#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace starling {

/// Cuts what a client sends over a WebSocket into messages (RFC 6455, 5).
///
/// An idle connection owns no buffer: all that share a thread read into one buffer of that thread, and whole frames are
/// handed out from there. Only what is not whole yet is kept here.
///
///     auto into = decoder.room(buffer_of_the_thread);
///     decoder.took(read(into));
///     while (auto piece = decoder.next()) ...
///     decoder.keep();
class frame_decoder {
public:
  enum class sort : std::uint8_t { text, binary, ping, pong, close };
  /// A message or a control frame; the payload is valid until the next call of anything here.
  struct piece {
    sort what = sort::text;
    std::string_view payload;
  };

  explicit frame_decoder(std::size_t message_bytes_max) : message_bytes_max_(message_bytes_max) {}

  /// Where to read next: `shared`, or memory of its own behind what is kept.
  std::span<char> room(std::span<char> shared);
  /// So many bytes were read there.
  void took(std::size_t bytes);
  /// Takes bytes that came before anything was read.
  void took(std::string early);

  /// The next whole message or control frame; none if more must be read first, or after a `fault`.
  std::optional<piece> next();
  /// Takes what is left into own memory. Needed before the shared buffer is used for something else.
  void keep();

  /// The close code for a client that has broken the protocol (1002), sent text that is no UTF-8 (1007) or a message
  /// that is too big (1009); 0 if it has done nothing of that.
  std::uint16_t fault() const { return fault_; }
  /// Bytes of memory beyond itself.
  std::size_t heap_bytes() const;

private:
  struct header;
  std::optional<header> read_header();
  std::optional<piece> take(const header& of, std::span<char> payload);
  std::optional<piece> control(const header& of, std::string_view payload);
  std::optional<piece> whole(sort what, std::string_view payload);
  bool allowed(const header& of) const;
  std::nullopt_t fail(std::uint16_t code);

  std::size_t message_bytes_max_;
  std::span<char> unread_;
  std::string kept_;          // what is not whole yet
  std::string fragments_;     // of the message under way
  std::size_t missing_ = 0;   // of the frame that is not whole
  std::size_t own_bytes_ = 0; // of `kept_`, before the room behind it was given
  bool reads_own_ = false;    // the last room was in `kept_`
  bool handed_out_ = false;   // `fragments_` is a message that has been handed out
  bool fragmented_ = false;   // a message is under way
  sort fragmented_sort_ = sort::text;
  std::uint16_t fault_ = 0;
};

/// The code that the payload of a close frame carries: 1005 if it is empty; 0 if it is malformed or must not be sent.
std::uint16_t close_code_in(std::string_view payload);

} // namespace starling
