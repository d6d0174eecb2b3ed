#include "cli/bench_fields.hpp"

#include <string.h> // memmem

#include <charconv>

namespace starling::cli {

namespace {

// memmem is several times faster here than string_view::find, which stops at each quote of the text.
std::string_view after(std::string_view text, std::string_view name) {
  const void* found = memmem(text.data(), text.size(), name.data(), name.size());
  if (!found) return {};
  auto at = static_cast<std::size_t>(static_cast<const char*>(found) - text.data()) + name.size();
  return text.substr(at);
}

// Reads a number off the front of `text`.
template <class number = std::uint64_t>
std::optional<number> take_number(std::string_view& text) {
  number value = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

} // namespace

frame_sort sort_of(std::string_view json) {
  auto method = after(json, R"("method":")");
  if (method.empty()) return frame_sort::reply;
  if (method.starts_with(R"(message")")) return frame_sort::message;
  if (method.starts_with(R"(session.opened")")) return frame_sort::opened;
  if (method.starts_with(R"(room.gap")")) return frame_sort::gap;
  if (method.starts_with(R"(session.closing")")) return frame_sort::closing;
  return frame_sort::other;
}

std::optional<std::uint64_t> number_after(std::string_view json, std::string_view name) {
  auto rest = after(json, name);
  while (rest.starts_with(' '))
    rest.remove_prefix(1);
  return take_number(rest);
}

std::optional<std::int64_t> error_code_of(std::string_view reply) {
  auto error = after(reply, R"("error":)");
  if (error.empty()) return std::nullopt;
  auto code = after(error, R"("code":)");
  while (code.starts_with(' '))
    code.remove_prefix(1);
  return take_number<std::int64_t>(code).value_or(0);
}

std::optional<stamp> stamp_of(std::string_view json) {
  auto rest = after(json, R"("text":"@)");
  auto due = take_number(rest);
  if (!due || !rest.starts_with('.')) return std::nullopt;
  rest.remove_prefix(1);
  auto from = take_number(rest);
  if (!from) return std::nullopt;
  return stamp{*due, *from};
}

} // namespace starling::cli
