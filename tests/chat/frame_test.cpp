#include "chat/frame.hpp"

#include <catch2/catch.hpp>

using starling::make_text_frame;
using namespace std::string_literals;

TEST_CASE("a frame is final, text and not masked", "[frame]") { CHECK(*make_text_frame("hi") == "\x81\x02hi"); }

TEST_CASE("an empty frame is two bytes", "[frame]") { CHECK(*make_text_frame("") == "\x81\0"s); }

TEST_CASE("a frame's length takes the shortest of the three forms", "[frame]") {
  struct row {
    std::size_t size;
    std::string header;
  };
  const row rows[] = {
      {125, "\x81\x7d"s},
      {126, "\x81\x7e\x00\x7e"s},
      {65535, "\x81\x7e\xff\xff"s},
      {65536, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s},
      {70000, "\x81\x7f\x00\x00\x00\x00\x00\x01\x11\x70"s},
  };
  for (const auto& [size, header] : rows) {
    INFO("payload of " << size << " bytes");
    std::string payload(size, 'x');
    CHECK(*make_text_frame(payload) == header + payload);
  }
}
