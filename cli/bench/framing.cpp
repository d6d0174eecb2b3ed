#include "cli/bench/framing.hpp"

#include <cstring>

namespace starling::cli {

namespace {

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (char c : bytes)
    value = value << 8 | static_cast<std::uint8_t>(c);
  return value;
}

bool is_control(opcode op) { return op >= opcode::close; }

} // namespace

parse_result parse_frame(std::string_view bytes, sender from, std::size_t payload_bytes_max, frame_view& frame) {
  if (bytes.size() < 2) return parse_result::partial;
  auto first = static_cast<std::uint8_t>(bytes[0]);
  auto second = static_cast<std::uint8_t>(bytes[1]);
  auto op = static_cast<std::uint8_t>(first & 0x0f);
  bool masked = (second & 0x80) != 0;
  if ((first & 0x70) != 0 || (op > 2 && op < 8) || op > 10) return parse_result::bad;
  if (masked != (from == sender::client)) return parse_result::bad;
  frame.op = static_cast<opcode>(op);
  frame.fin = (first & 0x80) != 0;

  std::uint64_t length = second & 0x7f;
  std::size_t header = 2;
  if (is_control(frame.op) && (length > 125 || !frame.fin)) return parse_result::bad;
  if (length >= 126) {
    std::size_t wide = length == 126 ? 2 : 8;
    if (bytes.size() < header + wide) return parse_result::partial;
    length = big_endian(bytes.substr(header, wide));
    header += wide;
  }
  if (length > payload_bytes_max) return parse_result::bad;
  if (masked) header += 4;
  frame.size_bytes = header + static_cast<std::size_t>(length);
  if (bytes.size() < frame.size_bytes) return parse_result::partial;
  frame.payload = bytes.substr(header, static_cast<std::size_t>(length));
  return parse_result::whole;
}

void append_client_frame(std::string& out, opcode op, std::string_view payload) {
  auto byte = [&](std::uint64_t value) { out.push_back(static_cast<char>(value & 0xff)); };
  auto size = payload.size();
  byte(0x80u | static_cast<std::uint8_t>(op));
  if (size < 126) {
    byte(0x80u | size);
  } else if (size < 65536) {
    byte(0x80u | 126);
    for (int shift = 8; shift >= 0; shift -= 8)
      byte(size >> shift);
  } else {
    byte(0x80u | 127);
    for (int shift = 56; shift >= 0; shift -= 8)
      byte(size >> shift);
  }
  out.append(4, '\0');
  out.append(payload);
}

std::uint16_t close_code(std::string_view payload) {
  return payload.size() < 2 ? std::uint16_t{1005} : static_cast<std::uint16_t>(big_endian(payload.substr(0, 2)));
}

std::size_t frame_reader::restore(char* buffer) {
  std::memcpy(buffer, rest_.data(), rest_.size());
  return rest_.size();
}

bool frame_reader::take(std::string_view bytes, std::size_t payload_bytes_max, const handler& on_message) {
  while (true) {
    frame_view frame;
    switch (parse_frame(bytes, sender::server, payload_bytes_max, frame)) {
    case parse_result::bad:
      return false;
    case parse_result::partial:
      keep(bytes);
      return true;
    case parse_result::whole:
      if (!take_frame(frame, payload_bytes_max, on_message)) return false;
      bytes.remove_prefix(frame.size_bytes);
    }
  }
}

bool frame_reader::take_frame(const frame_view& frame, std::size_t payload_bytes_max, const handler& on_message) {
  bool first = frame.op != opcode::continuation;
  if (is_control(frame.op) || (first && frame.fin && fragmented_ == opcode::continuation)) {
    on_message(frame.op, frame.payload);
    return true;
  }
  if (first != (fragmented_ == opcode::continuation)) return false; // a new message inside another, or the rest of none
  if (fragments_.size() + frame.payload.size() > payload_bytes_max) return false;
  if (first) fragmented_ = frame.op;
  fragments_.append(frame.payload);
  if (frame.fin) {
    on_message(fragmented_, fragments_);
    fragments_.clear();
    fragmented_ = opcode::continuation;
  }
  return true;
}

} // namespace starling::cli
