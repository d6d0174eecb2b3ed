#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <simdjson.h>

#include "chat/frame_decoder.hpp"
#include "chat/utf8.hpp"
#include "tests/fuzz/demand.hpp"

// What a client sends over a WebSocket. The input: a byte that chooses the limit, one with the number of reads, their
// sizes (0: nothing was read), then the client's bytes; what the reads leave over comes in one more.

using namespace starling;
using namespace starling::fuzz;

namespace {

using sort = frame_decoder::sort;

struct heard {
  std::vector<std::pair<sort, std::string>> pieces;
  std::uint16_t fault = 0;
  bool operator==(const heard&) const = default;
};

void check(const frame_decoder::piece& piece, std::size_t message_bytes_max) {
  switch (piece.what) {
  case sort::text:
    demand(simdjson::validate_utf8(piece.payload.data(), piece.payload.size()), "a text is UTF-8");
    [[fallthrough]];
  case sort::binary:
    demand(piece.payload.size() <= message_bytes_max, "no message is above the limit");
    break;
  case sort::close:
    demand(close_code_in(piece.payload) != 0, "a close has a code that may be sent");
    [[fallthrough]];
  default:
    demand(piece.payload.size() <= 125, "no control frame has more than 125 bytes");
  }
}

/// What the decoder makes of `bytes` that come in reads of these sizes. The first are `early`: read with the upgrade
/// request.
heard hear(std::string_view bytes, std::span<const std::uint8_t> reads, bool early, std::size_t message_bytes_max) {
  constexpr std::size_t largest_room = 64 * 1024, largest_header = 14;
  frame_decoder decoder(message_bytes_max);
  heard result;
  for (std::size_t i = 0; i <= reads.size(); ++i) {
    auto wanted = i < reads.size() ? reads[i] : bytes.size();
    std::vector<char> shared(std::min(wanted, bytes.size())); // a new one for each read, as if others had used it
    if (i == 0 && early) {
      decoder.took(std::string(bytes.substr(0, shared.size())));
      bytes.remove_prefix(shared.size());
    } else {
      auto room = decoder.room(shared);
      auto count = std::min(shared.size(), room.size());
      if (count > 0) std::memcpy(room.data(), bytes.data(), count);
      decoder.took(count);
      bytes.remove_prefix(count);
    }
    while (auto piece = decoder.next()) {
      check(*piece, message_bytes_max);
      result.pieces.emplace_back(piece->what, piece->payload);
    }
    decoder.keep();
    demand(decoder.heap_bytes() <= 2 * (largest_header + message_bytes_max + largest_room) + 2 * message_bytes_max,
           "a decoder keeps one frame and one message");
    if (i == reads.size() && !bytes.empty()) --i; // its own room is smaller than what is left
  }
  result.fault = decoder.fault();
  demand(result.fault == 0 || !decoder.next(), "nothing comes after a fault");
  return result;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  constexpr std::array<std::size_t, 4> limits{0, 16, 300, 64 * 1024};
  const auto limit = limits[data[0] % limits.size()];
  const bool early = (data[0] & 0x80) != 0;
  const std::span reads(data + 2, std::min<std::size_t>(data[1], size - 2));
  const auto bytes = text_of(data + 2 + reads.size(), size - 2 - reads.size());

  demand(is_utf8(bytes) == simdjson::validate_utf8(bytes.data(), bytes.size()), "is_utf8 agrees with simdjson");
  auto whole = hear(bytes, {}, false, limit);
  demand(hear(bytes, reads, early, limit) == whole, "it does not matter how the bytes are cut into reads");
  return 0;
}
