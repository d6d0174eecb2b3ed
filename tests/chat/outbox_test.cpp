#include "chat/outbox.hpp"

#include <array>
#include <random>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

using namespace starling;

namespace {

static_assert(sizeof(outbox) <= 96); // every connection has one

frame text(std::string bytes) { return std::make_shared<const std::string>(std::move(bytes)); }

frame of_size(std::size_t bytes) { return text(std::string(bytes, 'x')); }

/// Writes up to `bytes` in one gather of at most eight pieces; returns them.
std::string write(outbox& box, std::size_t bytes = SIZE_MAX) {
  std::array<std::string_view, 8> pieces;
  std::string result;
  auto count = box.gather(pieces);
  for (std::size_t i = 0; i < count; ++i)
    result += pieces[i];
  if (result.size() > bytes) result.resize(bytes);
  box.written(result.size());
  return result;
}

constexpr auto lasting = frame_kind::lasting;
constexpr auto ephemeral = frame_kind::ephemeral;

} // namespace

TEST_CASE("an outbox gathers what waits, in order", "[outbox]") {
  outbox box(100);
  CHECK(box.empty());
  CHECK(write(box).empty());
  CHECK(box.push(text("one "), lasting) == pushed::queued);
  CHECK(box.push(text("two "), ephemeral) == pushed::queued);
  CHECK(box.push_now(text("three")) == pushed::queued);
  CHECK(box.ready());
  CHECK(box.bytes() == 13);
  CHECK(write(box) == "one two three");
  CHECK(box.empty());
  CHECK_FALSE(box.ready());
  CHECK(box.bytes() == 0);
}

TEST_CASE("a write that took a part goes on where it ended", "[outbox]") {
  outbox box(100);
  box.push(text("abc"), lasting);
  box.push(text("def"), lasting);
  CHECK(write(box, 2) == "ab");
  CHECK(box.bytes() == 4);
  box.push_now(text("ghi"));
  CHECK(write(box, 2) == "cd");
  CHECK(write(box, 0).empty());
  CHECK(write(box) == "efghi");
}

TEST_CASE("a gather takes no more pieces than there is room for", "[outbox]") {
  outbox box(100);
  for (auto c : {"a", "b", "c"})
    box.push(text(c), lasting);
  std::array<std::string_view, 2> pieces;
  CHECK(box.gather(pieces) == 2);
  CHECK(pieces[1] == "b");
  box.written(2);
  CHECK(box.gather(pieces) == 1);
  CHECK(pieces[0] == "c");
}

TEST_CASE("a frame is shared, not copied, and let go once it has left", "[outbox]") {
  outbox box(100);
  auto shared = text("hello");
  box.push(shared, lasting);
  box.push(text("more"), lasting);
  std::array<std::string_view, 8> pieces;
  box.gather(pieces);
  CHECK(pieces[0].data() == shared->data());
  CHECK(shared.use_count() == 2);
  box.written(5);
  CHECK(shared.use_count() == 1);
}

TEST_CASE("a lasting frame that does not fit overflows and changes nothing", "[outbox]") {
  outbox box(10);
  CHECK(box.push(of_size(11), lasting) == pushed::overflow); // even alone
  CHECK(box.empty());
  CHECK(box.push(of_size(6), lasting) == pushed::queued);
  CHECK(box.push(of_size(5), lasting) == pushed::overflow);
  CHECK(box.push_now(of_size(5)) == pushed::overflow);
  CHECK(box.push(of_size(4), lasting) == pushed::queued);
  CHECK(box.bytes() == 10);
  CHECK(box.push(of_size(1), lasting) == pushed::overflow);
  write(box, 1);
  CHECK(box.push(of_size(1), lasting) == pushed::queued);
  CHECK(box.dropped() == 0);
}

TEST_CASE("ephemeral frames are dropped and counted when the outbox is half full", "[outbox]") {
  outbox box(10);
  CHECK(box.push(of_size(6), ephemeral) == pushed::dropped);
  CHECK(box.push(of_size(5), ephemeral) == pushed::queued);
  CHECK(box.push(of_size(1), ephemeral) == pushed::dropped);
  CHECK(box.push(of_size(5), lasting) == pushed::queued);
  CHECK(box.push(of_size(1), ephemeral) == pushed::dropped); // also when full: never an overflow
  CHECK(box.dropped() == 3);
  write(box);
  CHECK(box.push(of_size(1), ephemeral) == pushed::queued);
  CHECK(box.dropped() == 3);
}

TEST_CASE("a hold keeps back what is pushed, until a release puts a frame ahead of it", "[outbox]") {
  outbox box(100);
  box.push(text("before "), lasting);
  box.hold();
  box.push(text("message "), lasting);
  box.push(text("typing "), ephemeral);
  box.push_now(text("pong "));
  CHECK(write(box) == "before pong ");
  CHECK_FALSE(box.ready());
  CHECK_FALSE(box.empty());
  CHECK(box.release(text("reply ")) == pushed::queued);
  CHECK(write(box) == "reply message typing ");
  box.push(text("after"), lasting);
  CHECK(write(box) == "after");
}

TEST_CASE("a release may have nothing to say", "[outbox]") {
  outbox box(100);
  box.hold();
  box.push(text("message"), lasting);
  CHECK(box.release(nullptr) == pushed::queued);
  CHECK(write(box) == "message");
}

TEST_CASE("holds nest: what is held leaves after the last release, and after every reply", "[outbox]") {
  outbox box(100);
  box.hold();
  box.push(text("one "), lasting);
  box.hold();
  box.push(text("two "), lasting);
  box.release(text("first "));
  box.push(text("three "), lasting);
  CHECK(write(box) == "first ");
  box.release(text("second "));
  CHECK(write(box) == "second one two three ");
}

TEST_CASE("a reply goes where its place was kept among what is held", "[outbox]") {
  outbox box(100);
  auto place = [] { return std::make_shared<const std::string>(); };
  auto first = place(), second = place(), never = place();
  box.hold();
  box.hold();
  box.push(text("one "), lasting);
  box.keep_place(first);
  box.push(text("two "), lasting);
  box.keep_place(never);
  box.keep_place(second);
  box.push(text("three "), lasting);
  CHECK(box.frames() == 3);
  CHECK(box.release(text("second "), second) == pushed::queued);
  CHECK_FALSE(box.ready());
  CHECK(box.frames() == 4);
  CHECK(box.release(text("first "), first) == pushed::queued);
  CHECK(box.frames() == 5);
  CHECK(write(box) == "one first two second three ");
  CHECK(box.empty());
}

TEST_CASE("a reply whose place was not kept goes ahead, and a place without a reply is nothing", "[outbox]") {
  outbox box(10);
  auto place = std::make_shared<const std::string>();
  box.keep_place(place); // nothing is held
  CHECK(box.empty());
  box.hold();
  box.push(text("two "), lasting);
  CHECK(box.release(text("one "), place) == pushed::queued);
  CHECK(write(box) == "one two ");
  box.hold();
  box.keep_place(place);
  CHECK(box.empty());
  CHECK(box.release(nullptr, place) == pushed::queued);
  CHECK(box.heap_bytes() == 0);
  box.hold();
  box.keep_place(place);
  CHECK(box.release(of_size(11), place) == pushed::overflow); // the hold has ended all the same
  CHECK(box.empty());
  box.hold();
  box.keep_place(place);
  CHECK(box.clear() == 0);
  CHECK(box.release(text("closing"), place) == pushed::queued);
  CHECK(write(box) == "closing");
}

TEST_CASE("held frames count against the bound", "[outbox]") {
  outbox box(10);
  box.hold();
  CHECK(box.push(of_size(5), ephemeral) == pushed::queued);
  CHECK(box.push(of_size(1), ephemeral) == pushed::dropped);
  CHECK(box.push(of_size(4), lasting) == pushed::queued);
  CHECK(box.bytes() == 9);
  CHECK(box.push_now(of_size(2)) == pushed::overflow);
  CHECK(box.release(of_size(2)) == pushed::overflow); // the hold has ended all the same
  CHECK(write(box).size() == 9);
}

TEST_CASE("what was gathered stays valid while more is pushed", "[outbox]") {
  outbox box(100'000);
  box.push(text("gathered"), lasting);
  std::array<std::string_view, 8> pieces;
  REQUIRE(box.gather(pieces) == 1);
  for (int i = 0; i < 1000; ++i)
    box.push(text("more"), lasting);
  CHECK(pieces[0] == "gathered"); // the sanitizer would tell
  box.written(8);
  CHECK(box.bytes() == 4000);
}

TEST_CASE("an outbox owns no memory while idle, also after a burst", "[outbox]") {
  outbox box(100'000);
  CHECK(box.heap_bytes() == 0);
  box.hold();
  for (int i = 0; i < 1000; ++i)
    box.push(text("burst"), lasting);
  CHECK(box.heap_bytes() >= 1000 * sizeof(frame));
  box.release(text("reply"));
  while (box.ready())
    write(box);
  CHECK(box.heap_bytes() == 0);
}

TEST_CASE("a queue that is never empty does not grow for that", "[outbox]") {
  outbox box(100);
  for (int i = 0; i < 10'000; ++i) {
    box.push(text("abc"), lasting);
    if (i > 0) write(box, 3);
  }
  CHECK(box.bytes() == 3);
  CHECK(box.heap_bytes() <= 8 * sizeof(frame));
}

TEST_CASE("clearing keeps what a write points into, and what has left in part", "[outbox]") {
  outbox box(100);
  for (auto c : {"aa", "bb", "cc"})
    box.push(text(c), lasting);
  box.hold();
  box.push(text("dd"), lasting);

  SECTION("a write under way") {
    std::array<std::string_view, 2> pieces;
    REQUIRE(box.gather(pieces) == 2);
    CHECK(box.clear() == 2);
    CHECK(pieces[1] == "bb");
    CHECK(box.bytes() == 4);
    box.push(text("close"), lasting); // no longer held
    box.written(3);
    CHECK(write(box) == "bclose");
  }
  SECTION("half a frame") {
    write(box, 1);
    CHECK(box.clear() == 3);
    CHECK(box.bytes() == 1);
    CHECK(box.release(text("close")) == pushed::queued); // by somebody who does not know yet
    CHECK(write(box) == "aclose");
  }
  SECTION("nothing") {
    write(box);
    CHECK(box.clear() == 1);
    CHECK(box.empty());
    CHECK(box.bytes() == 0);
  }
}

TEST_CASE("whatever is pushed and written, bytes leave once and in order", "[outbox][property]") {
  auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  outbox box(2000);
  std::string expected, held, seen;
  int holds = 0;
  char next = 'a';
  for (int step = 0; step < 20'000; ++step) {
    std::string bytes(1 + random() % 60, next);
    next = next == 'z' ? 'a' : static_cast<char>(next + 1);
    switch (random() % 8) {
    case 0:
      box.hold();
      ++holds;
      break;
    case 1:
      if (holds == 0) break;
      if (box.release(text(bytes)) == pushed::queued) expected += bytes;
      if (--holds == 0) expected += std::exchange(held, {});
      break;
    case 2:
      if (box.push_now(text(bytes)) == pushed::queued) expected += bytes;
      break;
    case 3:
    case 4:
      seen += write(box, random() % 400);
      break;
    default:
      if (box.push(text(bytes), random() % 2 ? lasting : ephemeral) == pushed::queued)
        (holds ? held : expected) += bytes;
    }
    REQUIRE(box.bytes() == expected.size() + held.size() - seen.size());
    REQUIRE(box.bytes() <= 2000);
  }
  for (; holds > 0; --holds)
    box.release(nullptr);
  expected += held;
  while (box.ready())
    seen += write(box);
  CHECK(box.empty());
  CHECK(seen == expected);
}
