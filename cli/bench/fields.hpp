#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

/// What the generator needs of a frame's JSON, found by plain search: a parser would cost more than all the rest, and
/// nothing that the clients send holds these names anywhere but where they are meant.
namespace starling::cli {

/// What follows the first `name`; empty if there is none.
std::string_view text_after(std::string_view text, std::string_view name);

/// The number after `name`, which is given with its quotes and colon: `"seq":`.
std::optional<std::uint64_t> number_after(std::string_view json, std::string_view name);

/// The code of a reply that is an error.
std::optional<std::int64_t> error_code_of(std::string_view reply);

/// What each text begins with: when the message was due, in nanoseconds of the run's clock, who sent it, and its number
/// among those of its room.
struct stamp {
  std::uint64_t due_ns = 0;
  std::uint64_t from = 0;
  std::uint64_t number = 0;
};

void append_stamp(std::string& out, const stamp& what);

/// The stamp of a message; none if its text carries none.
std::optional<stamp> stamp_of(std::string_view json);

/// Calls `told` for each object that has `user` and `online`, in any order: one in a notification, many in an answer.
void each_presence(std::string_view json, const std::function<void(std::string_view user, bool online)>& told);

} // namespace starling::cli
