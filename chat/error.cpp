#include "chat/error.hpp"

#include <array>

namespace starling {

const error_entry& describe(errc code) {
  static constexpr std::array<error_entry, 13> entries{{
      {0, "no error", false},
      {-32700, "not JSON", false},
      {-32600, "not a request", false},
      {-32601, "no such method", false},
      {-32602, "bad params", false},
      {-32603, "internal error", true},
      {401, "not opened, or token refused", false},
      {403, "not allowed", false},
      {404, "no such room", false},
      {409, "conflict, or limit reached", false},
      {413, "too large", false},
      {429, "too fast", true},
      {503, "shard or node unavailable", true},
  }};
  return entries.at(static_cast<std::size_t>(code));
}

} // namespace starling
