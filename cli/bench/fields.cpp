#include "cli/bench/fields.hpp"

#include <string.h> // memmem

#include <charconv>
#include <string>

namespace starling::cli {

namespace {

// Reads a number off the front of `text`.
template <class number = std::uint64_t>
std::optional<number> take_number(std::string_view& text) {
  while (text.starts_with(' '))
    text.remove_prefix(1);
  number value = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

} // namespace

// memmem is several times faster here than string_view::find, which stops at each quote of the text.
std::string_view text_after(std::string_view text, std::string_view name) {
  const void* found = memmem(text.data(), text.size(), name.data(), name.size());
  if (!found) return {};
  auto at = static_cast<std::size_t>(static_cast<const char*>(found) - text.data()) + name.size();
  return text.substr(at);
}

std::optional<std::uint64_t> number_after(std::string_view json, std::string_view name) {
  auto rest = text_after(json, name);
  return take_number(rest);
}

std::optional<std::int64_t> error_code_of(std::string_view reply) {
  auto error = text_after(reply, R"("error":)");
  if (error.empty()) return std::nullopt;
  auto code = text_after(error, R"("code":)");
  return take_number<std::int64_t>(code).value_or(0);
}

void append_stamp(std::string& out, const stamp& what) {
  out.append("@").append(std::to_string(what.due_ns)).append(".").append(std::to_string(what.from));
  out.append(".").append(std::to_string(what.number)).append("@");
}

std::optional<stamp> stamp_of(std::string_view json) {
  auto rest = text_after(json, R"("text":"@)");
  stamp found;
  for (auto* part : {&found.due_ns, &found.from, &found.number}) {
    auto number = take_number(rest);
    if (!number || rest.empty()) return std::nullopt;
    *part = *number;
    rest.remove_prefix(1);
  }
  return found;
}

void each_presence(std::string_view json, const std::function<void(std::string_view user, bool online)>& told) {
  constexpr std::string_view name = R"("user":")";
  for (auto at = json.find(name); at != std::string_view::npos; at = json.find(name, at + 1)) {
    // Both stand in one object, which holds no other.
    auto begin = json.rfind('{', at), end = json.find('}', at);
    if (begin == std::string_view::npos || end == std::string_view::npos) return;
    auto state = text_after(json.substr(begin, end - begin), R"("online":)");
    auto user = json.substr(at + name.size());
    if (!state.empty()) told(user.substr(0, user.find('"')), state.starts_with("true") || state.starts_with(" true"));
  }
}

} // namespace starling::cli
