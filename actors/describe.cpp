#include "actors/describe.hpp"

#include "actors/protocol.hpp"

namespace starling {

std::string_view name_of(shard_state_kind state) {
  switch (state) {
  case shard_state_kind::up:
    return "up";
  case shard_state_kind::deaf:
    return "deaf";
  case shard_state_kind::down:
    return "down";
  case shard_state_kind::foreign:
    return "foreign";
  default:
    return "connecting";
  }
}

} // namespace starling
