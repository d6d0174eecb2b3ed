#include "chat/slot.hpp"

#include <array>

namespace starling {

namespace {

// CRC-16/XMODEM: polynomial x^16 + x^12 + x^5 + 1, most significant bit first, starting from zero.
constexpr std::array<std::uint16_t, 256> make_crc_table() {
  std::array<std::uint16_t, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc & 0x8000) ? (crc << 1) ^ 0x1021 : crc << 1;
    table[byte] = static_cast<std::uint16_t>(crc);
  }
  return table;
}

constexpr auto crc_table = make_crc_table();

constexpr std::uint16_t crc16(std::string_view bytes) {
  unsigned crc = 0;
  for (char c : bytes)
    crc = ((crc << 8) & 0xffff) ^ crc_table[(crc >> 8) ^ static_cast<unsigned char>(c)];
  return static_cast<std::uint16_t>(crc);
}

static_assert(crc16("123456789") == 0x31c3); // the check value that the algorithm is known by

} // namespace

slot_number slot_of(std::string_view key) {
  if (auto open = key.find('{'); open != key.npos) {
    auto close = key.find('}', open + 1);
    if (close != key.npos && close > open + 1) key = key.substr(open + 1, close - open - 1);
  }
  return static_cast<slot_number>(crc16(key) % slot_count);
}

} // namespace starling
