#include <array>
#include <optional>
#include <string>

#include <fuzzer/FuzzedDataProvider.h>

#include "chat/notifications.hpp"
#include "chat/store.hpp"
#include "chat/store_look.hpp"
#include "tests/fuzz/demand.hpp"

// What a shard answers, read as the answer to each of our scripts. The input is a tree: a byte says what a value is
// (see `value_of`), then come its bytes or, for an array, its elements.

using namespace starling;
using namespace starling::fuzz;

namespace {

constexpr std::array words{"OK",       "ABSENT", "FORBIDDEN",   "EXISTS",  "FULL",          "LAST",
                           "STRANGER", "0",      "1",           "public",  "member",        "ann",
                           "s1",       "lobby",  "UNAVAILABLE", "STALE 7", "1 2 3\n4 5 6\n"};
constexpr unsigned depth_max = 8; // as hiredis has it

redis_value value_of(FuzzedDataProvider& in, unsigned depth) {
  const auto byte = in.ConsumeIntegral<std::uint8_t>(); // its kind in three bits, how much of it in five
  const auto count = static_cast<std::size_t>(byte >> 3);
  switch (byte & 7) {
  case 0:
    return {};
  case 1:
    return static_cast<std::int64_t>(count);
  case 2:
    return in.ConsumeIntegral<std::int64_t>();
  case 3:
    return words[count % words.size()];
  case 4:
    return in.ConsumeBytesAsString(count);
  case 5:
    return redis_value::error{in.ConsumeBytesAsString(count)};
  default:
    redis_value::array items;
    for (std::size_t i = 0; depth < depth_max && i < count && in.remaining_bytes() > 0; ++i)
      items.push_back(value_of(in, depth + 1));
    return items;
  }
}

/// The value that was read; or nothing, having looked at why not.
template <class T>
std::optional<T> value(outcome<T> read) {
  auto* why = std::get_if<client_error>(&read);
  demand(!why || why->code != errc::none, "what cannot be read has a reason");
  if (why) return std::nullopt;
  return std::get<T>(std::move(read));
}

void tell(const log_range& range) {
  range_text("lobby", range);
  for (bool ascending : {false, true}) {
    auto cut = range;
    cut_range(cut, ascending, 2, 300);
    demand(cut.entries.size() <= 2, "a range is cut");
    demand(cut.more || cut.entries.size() == range.entries.size(), "who gets a part is told that there is more");
  }
  log_cursor cursor({1, 1});
  for (auto& step : cursor.fill(range.entries, range.tail, !range.more))
    if (step.gap) gap_notification("lobby", *step.gap);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider in(data, size);
  const auto answer = value_of(in, 0);
  constexpr std::size_t limit = 3;
  if (auto room = value(read_room(answer))) room_text("lobby", *room, nullptr);
  value(read_dialogue(answer));
  if (auto range = value(read_range(answer, limit))) tell(*range);
  if (auto page = value(read_members(answer, limit))) demand(page->members.size() <= limit, "a page has a limit");
  value(read_appended(answer));
  value(read_added(answer));
  value(read_done(answer));
  value(read_user_rooms(answer));
  if (auto users = value(read_presence(answer)))
    for (auto& user : *users)
      presence_text("ann", user);
  value(read_names(answer));
  value(read_changes(answer));
  value(read_tails(answer));
  value(read_subscribers(answer));
  return 0;
}
