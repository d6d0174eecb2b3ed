#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace starling::fuzz {

/// Makes a finding of the input, beside those of the sanitizers, unless what `what` says holds.
inline void demand(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "not true of this input: %s\n", what);
  std::abort();
}

/// What libFuzzer hands over, as text.
inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Takes the first line off, or all if it is the last.
inline std::string_view take_line(std::string_view& text) {
  auto end = text.find('\n');
  auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

} // namespace starling::fuzz
