#include "chat/frame_decoder.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "chat/utf8.hpp"

namespace starling {
namespace {

constexpr std::uint16_t protocol_error = 1002, not_utf8 = 1007, too_big = 1009;
constexpr std::size_t control_bytes_max = 125;
constexpr std::size_t read_bytes_min = 4096, read_bytes_max = 64 * 1024;

constexpr unsigned op_continuation = 0, op_text = 1, op_binary = 2, op_close = 8, op_ping = 9, op_pong = 10;

std::uint64_t big_endian(std::span<const char> bytes) {
  std::uint64_t value = 0;
  for (char byte : bytes)
    value = (value << 8) | static_cast<unsigned char>(byte);
  return value;
}

void unmask(std::span<char> payload, std::array<char, 4> key) {
  std::uint64_t wide_key = 0;
  std::memcpy(&wide_key, key.data(), 4);
  std::memcpy(reinterpret_cast<char*>(&wide_key) + 4, key.data(), 4);
  std::size_t i = 0;
  for (; i + sizeof wide_key <= payload.size(); i += sizeof wide_key) {
    std::uint64_t wide = 0;
    std::memcpy(&wide, &payload[i], sizeof wide);
    wide ^= wide_key;
    std::memcpy(&payload[i], &wide, sizeof wide);
  }
  for (; i < payload.size(); ++i)
    payload[i] = static_cast<char>(payload[i] ^ key[i % 4]);
}

void forget(std::string& text) { std::string().swap(text); }

} // namespace

struct frame_decoder::header {
  bool fin = false;
  bool reserved = false; // bits that no extension has given a meaning
  bool masked = false;
  unsigned op = 0;
  std::uint64_t payload_bytes = 0;
  std::array<char, 4> key{};
  std::size_t bytes = 0; // of itself

  bool is_control() const { return op >= op_close; }
};

std::span<char> frame_decoder::room(std::span<char> shared) {
  reads_own_ = !kept_.empty();
  if (!reads_own_) return unread_ = shared;
  own_bytes_ = kept_.size();
  kept_.resize(own_bytes_ + std::clamp(missing_, read_bytes_min, read_bytes_max));
  return std::span(kept_).subspan(own_bytes_);
}

void frame_decoder::took(std::size_t bytes) {
  if (!reads_own_) {
    unread_ = unread_.first(bytes);
    return;
  }
  kept_.resize(own_bytes_ + bytes);
  unread_ = kept_;
}

void frame_decoder::took(std::string early) {
  kept_ = std::move(early);
  unread_ = kept_;
  reads_own_ = true;
}

void frame_decoder::keep() {
  if (unread_.empty() || fault_ != 0)
    forget(kept_);
  else if (reads_own_)
    kept_.erase(0, kept_.size() - unread_.size());
  else
    kept_.assign(unread_.begin(), unread_.end());
  unread_ = kept_;
  reads_own_ = true;
}

std::optional<frame_decoder::header> frame_decoder::read_header() {
  if (unread_.size() < 2) return std::nullopt;
  auto first = static_cast<unsigned char>(unread_[0]), second = static_cast<unsigned char>(unread_[1]);
  header found;
  found.fin = (first & 0x80) != 0;
  found.reserved = (first & 0x70) != 0;
  found.op = first & 0x0f;
  found.masked = (second & 0x80) != 0;
  found.payload_bytes = second & 0x7f;
  std::size_t length_bytes = found.payload_bytes == 127 ? 8 : found.payload_bytes == 126 ? 2 : 0;
  found.bytes = 2 + length_bytes + (found.masked ? found.key.size() : 0);
  if (unread_.size() < found.bytes) return std::nullopt;
  if (length_bytes > 0) found.payload_bytes = big_endian(unread_.subspan(2, length_bytes));
  if (found.masked) std::copy_n(unread_.begin() + 2 + static_cast<int>(length_bytes), 4, found.key.begin());
  return found;
}

bool frame_decoder::allowed(const header& of) const {
  if (of.reserved || !of.masked) return false;
  switch (of.op) {
  case op_continuation:
    return fragmented_;
  case op_text:
  case op_binary:
    return !fragmented_;
  case op_close:
  case op_ping:
  case op_pong:
    return of.fin && of.payload_bytes <= control_bytes_max;
  default:
    return false;
  }
}

std::optional<frame_decoder::piece> frame_decoder::next() {
  if (std::exchange(handed_out_, false)) forget(fragments_);
  while (fault_ == 0) {
    missing_ = 0;
    auto found = read_header();
    if (!found) return std::nullopt;
    if (!allowed(*found)) return fail(protocol_error);
    if (!found->is_control() && found->payload_bytes > message_bytes_max_ - fragments_.size()) return fail(too_big);
    auto bytes = static_cast<std::size_t>(found->payload_bytes);
    if (unread_.size() - found->bytes < bytes) {
      missing_ = found->bytes + bytes - unread_.size();
      return std::nullopt;
    }
    auto payload = unread_.subspan(found->bytes, bytes);
    unread_ = unread_.subspan(found->bytes + bytes);
    unmask(payload, found->key);
    if (auto complete = take(*found, payload)) return complete;
  }
  return std::nullopt;
}

/// Nothing: a fragment, or a fault.
std::optional<frame_decoder::piece> frame_decoder::take(const header& of, std::span<char> payload) {
  std::string_view text(payload.data(), payload.size());
  if (of.is_control()) return control(of, text);
  if (of.op != op_continuation) fragmented_sort_ = of.op == op_text ? sort::text : sort::binary;
  if (of.fin && !fragmented_) return whole(fragmented_sort_, text);
  fragments_.append(text);
  fragmented_ = !of.fin;
  if (fragmented_) return std::nullopt;
  handed_out_ = true;
  return whole(fragmented_sort_, fragments_);
}

std::optional<frame_decoder::piece> frame_decoder::control(const header& of, std::string_view payload) {
  if (of.op == op_ping) return piece{sort::ping, payload};
  if (of.op == op_pong) return piece{sort::pong, payload};
  if (close_code_in(payload) == 0) return fail(protocol_error);
  if (payload.size() > 2 && !is_utf8(payload.substr(2))) return fail(not_utf8);
  return piece{sort::close, payload};
}

std::optional<frame_decoder::piece> frame_decoder::whole(sort what, std::string_view payload) {
  if (what == sort::text && !is_utf8(payload)) return fail(not_utf8);
  return piece{what, payload};
}

std::nullopt_t frame_decoder::fail(std::uint16_t code) {
  fault_ = code;
  return std::nullopt;
}

std::size_t frame_decoder::heap_bytes() const {
  auto beyond = [](const std::string& text) {
    return text.capacity() > std::string().capacity() ? text.capacity() : 0;
  };
  return beyond(kept_) + beyond(fragments_);
}

std::uint16_t close_code_in(std::string_view payload) {
  if (payload.empty()) return 1005;
  if (payload.size() < 2) return 0;
  auto code = static_cast<std::uint16_t>(big_endian(std::span(payload).first(2)));
  bool for_applications = code >= 3000 && code < 5000;
  bool defined = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
  return for_applications || defined ? code : 0;
}

} // namespace starling
