#pragma once

#include "chat/store.hpp"

/// A user's tokens may be refused before they expire; laid out in chat/store.cpp like all else.
namespace starling {

/// Refuses what was issued up to now, by the clock of the user's shard, and tells the user's sessions everywhere.
script_call call_user_revoke(const user_id& user);

struct revoked_tokens {
  std::int64_t until_s = 0;     // unix seconds
  std::uint64_t nodes_told = 0; // where the user was connected
};
outcome<revoked_tokens> read_revoked(const redis_value& answer);

/// Is who shows this refused, where tokens up to `until_s` are? A token that does not tell when it was issued is; who
/// has come without one (mode "open") has nothing that could be refused.
bool is_revoked(const identity& who, std::int64_t until_s);

} // namespace starling
