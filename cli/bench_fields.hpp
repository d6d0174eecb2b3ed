#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

/// What the generator needs of a frame's JSON, found by plain search: a parser would cost more than all the rest, and
/// nothing that the clients send holds these names anywhere but where they are meant.
namespace starling::cli {

enum class frame_sort : std::uint8_t { message, reply, opened, gap, closing, other };

frame_sort sort_of(std::string_view json);

/// The number after `name`, which is given with its quotes and colon: `"seq":`.
std::optional<std::uint64_t> number_after(std::string_view json, std::string_view name);

/// The code of a reply that is an error.
std::optional<std::int64_t> error_code_of(std::string_view reply);

/// What each text begins with: when the message was due, in nanoseconds of the run's clock, and who sent it.
struct stamp {
  std::uint64_t due_ns = 0;
  std::uint64_t from = 0;
};

/// The stamp of a message; none if its text carries none.
std::optional<stamp> stamp_of(std::string_view json);

} // namespace starling::cli
