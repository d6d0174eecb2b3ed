#include "chat/frame.hpp"

namespace starling {

frame make_text_frame(std::string_view payload) {
  constexpr char fin_text = static_cast<char>(0x81);
  auto size = payload.size();
  auto bytes = std::make_shared<std::string>();
  bytes->reserve(size + 10);
  bytes->push_back(fin_text);
  auto append_length = [&](int count) {
    for (int shift = 8 * (count - 1); shift >= 0; shift -= 8)
      bytes->push_back(static_cast<char>((size >> shift) & 0xff));
  };
  if (size < 126) {
    bytes->push_back(static_cast<char>(size));
  } else if (size < 65536) {
    bytes->push_back(126);
    append_length(2);
  } else {
    bytes->push_back(127);
    append_length(8);
  }
  bytes->append(payload);
  return bytes;
}

frame make_control_frame(unsigned char opcode, std::string_view payload) {
  constexpr unsigned char fin = 0x80;
  payload = payload.substr(0, 125);
  auto bytes = std::make_shared<std::string>();
  bytes->reserve(2 + payload.size());
  bytes->push_back(static_cast<char>(fin | opcode));
  bytes->push_back(static_cast<char>(payload.size()));
  bytes->append(payload);
  return bytes;
}

} // namespace starling
