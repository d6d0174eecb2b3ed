#pragma once

#include "chat/store.hpp"

/// What only a console asks a shard; laid out in chat/store.cpp like all else.
namespace starling {

/// The room as it is to nobody in particular (see `read_room`), private ones too; no_such_room.
script_call call_room_look(const room_id& room);

/// Redis' own command: how many connections, so how many nodes, subscribe to each of the feeds' channels.
std::vector<std::string> subscribers_command(const std::vector<feed_name>& feeds);
/// In the order asked.
outcome<std::vector<std::uint64_t>> read_subscribers(const redis_value& answer);

} // namespace starling
