#pragma once

#include <cstddef>
#include <string_view>

namespace starling {

/// Length of the UTF-8 sequence at the start of `text`, which is not empty; 0 if there is none that is valid
/// (RFC 3629).
std::size_t utf8_sequence(std::string_view text);

bool is_utf8(std::string_view text);

} // namespace starling
