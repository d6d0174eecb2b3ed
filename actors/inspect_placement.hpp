#pragma once

#include "actors/inspector.hpp"
#include "actors/protocol.hpp"
#include "actors/shard_door.hpp"

namespace starling {

/// Returns the slot tables that are remembered, the one that is applied first. Called from any thread.
using tables_source = std::function<std::vector<table_ptr>()>;

/// What a console may see of a shard's address: without what stands before an "@", where a password might.
std::string without_password(std::string address);

/// `slots` or `slots {"epoch": number}`: how the slots are shared out, in a table that is still remembered.
///
///     {"epoch", "digest", "kept": [epochs], "shards": [{"name", "address", "weight", "slots", "fair"}], "owners"}
///
/// `fair` is the share that the weights alone would give, `owners` the shards of all slots by index (see
/// `encode_slot_runs`).
inspector_command slots_command(tables_source tables);

/// `where {"room": id}` or `where {"user": id}`: what decides where its data is, and what is there.
///
///     {"key", "slot", "epoch", "digest", "shard", "address", "ranking": [{"shard", "weight", "price", "holds"}],
///     "here",
///      "log": {"epoch", "seq"}, "members", "kind",       of a room; "error" in `log` if the shard does not say
///      "online_on": [nodes], "rooms",                    of a user; "shard_error" likewise
///      "subscribed": {channel: nodes},                   as Redis counts them; "error" in it likewise
///      "would": {"shard", "moved_slots", "ranking"}}     with "without", "with" or "weight" in the arguments
///
/// `ranking` is the rendezvous: all shards, the cheapest first; the holder may be another one, since no shard holds
/// more than its share and no slot moves without need. `here`: actors of this name, the room or the user's sessions.
/// Further arguments: "epoch", of a table that is still remembered; "without": [shard], "with": {shard: weight} and
/// "weight": {shard: weight}, for the table that the master would make of it then.
inspector_command where_command(tables_source tables, shard_door_actor door);

/// The table with this epoch, 0: the one that is applied; or why there is none.
std::variant<table_ptr, std::string> find_table(const std::vector<table_ptr>& tables, std::uint64_t epoch);

} // namespace starling
