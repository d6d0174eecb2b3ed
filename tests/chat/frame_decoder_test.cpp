#include "chat/frame_decoder.hpp"

#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "chat/utf8.hpp"

using namespace starling;

namespace {

using sort = frame_decoder::sort;

constexpr std::size_t message_bytes_max = 64 * 1024;

/// A frame as a client sends it.
std::string masked(unsigned first_byte, std::string_view payload, std::string_view key = "k3Y!") {
  std::string frame(1, static_cast<char>(first_byte));
  auto length = [&](int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
      frame += static_cast<char>(payload.size() >> shift & 0xff);
  };
  if (payload.size() < 126) {
    frame += static_cast<char>(0x80 | payload.size());
  } else if (payload.size() < 65536) {
    frame += static_cast<char>(0x80 | 126);
    length(2);
  } else {
    frame += static_cast<char>(0x80 | 127);
    length(8);
  }
  frame += key;
  for (std::size_t i = 0; i < payload.size(); ++i)
    frame += static_cast<char>(payload[i] ^ key[i % key.size()]);
  return frame;
}

struct heard {
  std::vector<std::pair<sort, std::string>> pieces;
  std::uint16_t fault = 0;
  std::size_t heap_bytes = 0;
};

/// What the decoder makes of `bytes` that come in reads of the given sizes, the last of them repeated.
heard decode_in(std::string_view bytes, std::vector<std::size_t> reads) {
  frame_decoder decoder(message_bytes_max);
  std::vector<char> shared(256);
  heard result;
  for (std::size_t n = 0; !bytes.empty(); ++n) {
    auto into = decoder.room(shared);
    auto size = std::min({bytes.size(), into.size(), reads[std::min(n, reads.size() - 1)]});
    std::copy_n(bytes.begin(), size, into.begin());
    bytes.remove_prefix(size);
    decoder.took(size);
    while (auto piece = decoder.next())
      result.pieces.emplace_back(piece->what, piece->payload);
    decoder.keep();
    std::fill(shared.begin(), shared.end(), '\0'); // another connection uses it
  }
  result.fault = decoder.fault();
  result.heap_bytes = decoder.heap_bytes();
  return result;
}

heard decode_whole(std::string_view bytes) { return decode_in(bytes, {SIZE_MAX}); }

} // namespace

TEST_CASE("frames come out as they were sent, however they were cut", "[frame]") {
  std::string bytes;
  std::vector<std::pair<sort, std::string>> sent;
  auto add = [&](unsigned first_byte, sort what, const std::string& payload) {
    bytes += masked(first_byte, payload);
    sent.emplace_back(what, payload);
  };
  add(0x81, sort::text, "hello");
  add(0x81, sort::text, "");
  add(0x89, sort::ping, "p");
  add(0x81, sort::text, std::string(125, 'a'));
  add(0x81, sort::text, std::string(126, 'b'));
  add(0x82, sort::binary, std::string("\xff\0\xfe", 3));
  add(0x8a, sort::pong, "");
  add(0x81, sort::text, std::string(65'536, 'c'));
  bytes += masked(0x01, "a message ") + masked(0x00, "in ") + masked(0x89, "between") + masked(0x80, "pieces");
  sent.emplace_back(sort::ping, "between");
  sent.emplace_back(sort::text, "a message in pieces");
  add(0x88, sort::close, std::string("\x03\xe8", 2) + "bye");

  for (std::size_t size : {1u, 2u, 3u, 7u, 100u, 5000u, 1'000'000u}) {
    auto got = decode_in(bytes, {size});
    CHECK(got.fault == 0);
    CHECK(got.pieces == sent);
    CHECK(got.heap_bytes == 0); // an idle connection owns nothing
  }
}

TEST_CASE("what breaks the protocol is told by its close code, and nothing comes after it", "[frame]") {
  auto fault_of = [](const std::string& bytes) {
    auto got = decode_whole(masked(0x81, "good") + bytes + masked(0x81, "never"));
    CHECK(got.pieces.size() == 1);
    return got.fault;
  };
  CHECK(fault_of(std::string("\x81\x01x", 3)) == 1002);     // without a mask
  CHECK(fault_of(masked(0xc1, "compressed")) == 1002);      // a reserved bit
  CHECK(fault_of(masked(0x83, "")) == 1002);                // a reserved opcode
  CHECK(fault_of(masked(0x8b, "")) == 1002);                // another
  CHECK(fault_of(masked(0x80, "continues what?")) == 1002); //
  CHECK(fault_of(masked(0x09, "ping in pieces")) == 1002);  //
  CHECK(fault_of(masked(0x89, std::string(126, 'p'))) == 1002);
  CHECK(fault_of(masked(0x88, "x")) == 1002);                                       // half a close code
  CHECK(fault_of(masked(0x88, std::string("\x03\xed", 2))) == 1002);                // 1005 is never sent
  CHECK(fault_of(masked(0x88, std::string("\x03\xe8", 2) + "\xff")) == 1007);       // a reason that is no text
  CHECK(fault_of(masked(0x81, "\xc3\x28")) == 1007);                                //
  CHECK(fault_of(masked(0x01, "\xc3") + masked(0x80, "\x28")) == 1007);             //
  CHECK(fault_of(masked(0x01, "begun") + masked(0x81, "and begun again")) == 1002); //
  CHECK(fault_of(masked(0x81, std::string(message_bytes_max + 1, 'x'))) == 1009);
  CHECK(fault_of(masked(0x01, std::string(message_bytes_max, 'x')) + masked(0x80, "y")) == 1009);
  // A length that nobody could hold is refused before any of it is read.
  CHECK(decode_whole(std::string("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10) + "key!").fault == 1009);
}

TEST_CASE("a message of text may be cut inside of a character", "[frame]") {
  auto got = decode_whole(masked(0x01, "caf\xc3") + masked(0x80, "\xa9"));
  REQUIRE(got.pieces.size() == 1);
  CHECK(got.pieces[0].second == "café");
}

TEST_CASE("who stops in the middle goes on where it was", "[frame]") {
  frame_decoder decoder(message_bytes_max);
  std::vector<char> shared(256);
  auto bytes = masked(0x81, "one") + masked(0x81, "two") + masked(0x81, "three").substr(0, 8);
  std::copy(bytes.begin(), bytes.end(), decoder.room(shared).begin());
  decoder.took(bytes.size());
  CHECK(decoder.next()->payload == "one");
  decoder.keep();
  std::fill(shared.begin(), shared.end(), '\0');
  CHECK(decoder.next()->payload == "two");
  CHECK_FALSE(decoder.next());
  decoder.keep();
  auto rest = masked(0x81, "three").substr(8);
  std::copy(rest.begin(), rest.end(), decoder.room(shared).begin());
  decoder.took(rest.size());
  CHECK(decoder.next()->payload == "three");
}

TEST_CASE("whatever strangers send, the decoder neither reads beyond it nor keeps more than a message", "[frame]") {
  std::minstd_rand random{7};
  auto byte = [&] { return static_cast<char>(random() >> 8); };
  for (int run = 0; run < 2'000; ++run) {
    std::string bytes;
    for (auto frames = random() % 4; frames > 0; --frames)
      bytes += masked(0x80 | random() % 16, std::string(random() % 200, 'x'));
    for (auto noise = random() % 40; noise > 0; --noise)
      bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(random() % (bytes.size() + 1)), byte());
    auto got = decode_in(bytes, {1 + random() % 50});
    CHECK(got.heap_bytes <= 2 * message_bytes_max);
  }
}

TEST_CASE("text is UTF-8 or it is not", "[frame]") {
  for (auto* good : {"", "plain", "12345678", "123456789", "caf\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x90\xa6 birds",
                     "seven77\xc3\xa9 eight888\xc3\xa9", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"})
    CHECK(is_utf8(good));
  for (auto* bad : {"\xff", "\xc3", "12345678\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                    "\xf0\x80\x80\x80", "\xe2\x82", "\xf0\x9f\x90", "1234567\xc3"})
    CHECK_FALSE(is_utf8(bad));
}
