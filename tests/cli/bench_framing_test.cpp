#include "cli/bench/framing.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "chat/frame.hpp"

using namespace starling;
using namespace starling::cli;

namespace {

constexpr std::size_t most = 128 * 1024;

struct seen {
  opcode op;
  std::string payload;
  bool operator==(const seen&) const = default;
};

// Gives `bytes` to a reader in pieces that end at each of `cuts`, through a shared buffer as the fleet does.
std::vector<seen> read_in_pieces(const std::string& bytes, const std::vector<std::size_t>& cuts, bool& whole) {
  frame_reader reader;
  std::vector<char> buffer(2 * most);
  std::vector<seen> all;
  std::size_t from = 0;
  whole = true;
  auto give = [&](std::size_t to) {
    auto rest = reader.restore(buffer.data());
    std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.begin() + static_cast<std::ptrdiff_t>(to),
              buffer.begin() + static_cast<std::ptrdiff_t>(rest));
    whole = whole && reader.take({buffer.data(), rest + to - from}, most, [&](opcode op, std::string_view payload) {
      all.push_back({op, std::string(payload)});
    });
    from = to;
  };
  for (auto cut : cuts)
    give(cut);
  give(bytes.size());
  return all;
}

// A client's frame without its mask is a server's.
std::string control(opcode op, std::string_view payload) {
  std::string frame{static_cast<char>(0x80 | static_cast<int>(op)), static_cast<char>(payload.size())};
  return frame.append(payload);
}

std::string fragment(int first_byte, std::string_view payload) {
  return std::string{static_cast<char>(first_byte), static_cast<char>(payload.size())}.append(payload);
}

} // namespace

TEST_CASE("frames cut at any byte come out whole, with lengths of 7, 16 and 64 bits", "[bench]") {
  auto small = std::string(125, 's');
  auto medium = std::string(126, 'm');
  auto large = std::string(65536, 'l');
  auto bytes = *make_text_frame(small) + *make_text_frame(medium) + control(opcode::ping, "are you there") +
               *make_text_frame("") + *make_text_frame(large) + control(opcode::close, "\x0f\xa8");
  std::vector<seen> expected{{opcode::text, small}, {opcode::text, medium}, {opcode::ping, "are you there"},
                             {opcode::text, ""},    {opcode::text, large},  {opcode::close, "\x0f\xa8"}};
  // Around the large frame's payload every cut does the same: only its edges are of interest.
  for (std::size_t cut = 0; cut <= bytes.size(); cut += cut > 320 && cut < bytes.size() - 40 ? 1009 : 1) {
    bool whole = false;
    REQUIRE(read_in_pieces(bytes, {cut}, whole) == expected);
    REQUIRE(whole);
  }
}

TEST_CASE("frames that arrive byte by byte come out whole", "[bench]") {
  auto bytes = *make_text_frame("one") + *make_text_frame(std::string(300, 'x')) + control(opcode::pong, "");
  std::vector<std::size_t> cuts;
  for (std::size_t i = 1; i < bytes.size(); ++i)
    cuts.push_back(i);
  bool whole = false;
  CHECK(read_in_pieces(bytes, cuts, whole) ==
        std::vector<seen>{{opcode::text, "one"}, {opcode::text, std::string(300, 'x')}, {opcode::pong, ""}});
  CHECK(whole);
}

TEST_CASE("fragments are put together, and a ping may come between them", "[bench]") {
  auto bytes = fragment(0x01, "Star") + control(opcode::ping, "?") + fragment(0x00, "l") + fragment(0x80, "ing");
  bool whole = false;
  CHECK(read_in_pieces(bytes, {}, whole) == std::vector<seen>{{opcode::ping, "?"}, {opcode::text, "Starling"}});
  CHECK(whole);
}

TEST_CASE("what breaks the protocol is refused", "[bench]") {
  auto accepted = [](const std::string& bytes) {
    bool whole = false;
    read_in_pieces(bytes, {}, whole);
    return whole;
  };
  CHECK_FALSE(accepted(fragment(0x80, "rest of nothing")));
  CHECK_FALSE(accepted(fragment(0x01, "a") + fragment(0x81, "b")));
  CHECK_FALSE(accepted(fragment(0xc1, "compressed, which was not agreed on")));
  CHECK_FALSE(accepted(fragment(0x83, "no such opcode")));
  CHECK_FALSE(accepted(fragment(0x09, "a ping in pieces")));
  CHECK_FALSE(accepted(std::string("\x89\x7e\x00\x80", 4)));                          // a ping of 128 bytes
  CHECK_FALSE(accepted(std::string("\x81\x80\0\0\0\0", 6)));                          // masked by a server
  CHECK_FALSE(accepted(std::string("\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10))); // beyond any bound
}

TEST_CASE("what the client sends parses back, at each size of length", "[bench]") {
  for (std::size_t size : {0u, 1u, 125u, 126u, 65535u, 65536u}) {
    std::string bytes;
    append_client_frame(bytes, opcode::text, std::string(size, 'c'));
    frame_view frame;
    REQUIRE(parse_frame(bytes, sender::client, most, frame) == parse_result::whole);
    CHECK(frame.payload == std::string(size, 'c'));
    CHECK(frame.size_bytes == bytes.size());
    CHECK(parse_frame(std::string_view(bytes).substr(0, bytes.size() - 1), sender::client, most, frame) ==
          parse_result::partial);
  }
}

TEST_CASE("the close code is the first two bytes, and 1005 where there are none", "[bench]") {
  CHECK(close_code("\x0f\xa8 too slow") == 4008);
  CHECK(close_code("") == 1005);
}
