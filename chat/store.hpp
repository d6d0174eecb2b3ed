#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "chat/error.hpp"
#include "chat/redis_value.hpp"
#include "chat/requests.hpp"

/// What is kept in the shards: the names of keys and channels, the calls of the scripts (net/scripts), and their
/// answers as values. Nothing else in the program knows how Redis is laid out.
namespace starling {

/// A script to be run on the shard that owns `key`. The shard adds its own record and its table's epoch in front.
struct script_call {
  std::string script;
  std::string key; // decides the slot
  std::vector<std::string> keys;
  std::vector<std::string> args;
  std::uint64_t table_epoch = 0; // not 0: only under this table (calls that name several slots)
  std::uint64_t trace = 0;       // not 0: appends a message whose way is noted under this number
};

std::string room_channel(const room_id& room);
std::string user_channel(const user_id& user);
std::string presence_channel(const user_id& user);

/// What decides the slot of a room, and of a user.
std::string room_key(const room_id& room);
std::string user_key(const user_id& user);
inline constexpr std::string_view shard_record = "starling:shard";

/// The dialogue of two users: `dm:<a>:<b>`, names in byte order.
room_id dialogue_of(const user_id& one, const user_id& other);
/// The two users of a dialogue; nothing if the room is none.
std::optional<std::pair<user_id, user_id>> users_of_dialogue(const room_id& room);

// -- rooms -------------------------------------------------------------------------------------------------------

struct log_position {
  std::uint64_t epoch = 0;
  seq_number seq = 0;
  bool operator==(const log_position&) const = default;
};

struct room_description {
  room_kind kind = room_kind::public_room;
  std::string title;
  log_position tail;
  std::uint64_t members = 0;
  std::uint64_t version = 0; // counts changes of members and roles
  room_role role = room_role::none;
};

/// A dialogue that was just made, or was there.
struct made_dialogue {
  room_description room;
  bool user_was_member = false, other_was_member = false;
};

/// A message as the log keeps it.
struct log_entry {
  log_position at;
  std::int64_t unix_ms = 0;
  user_id from;
  std::string body; // members of a JSON object: `"text":"hi"`
};

struct log_range {
  log_position tail;
  std::vector<log_entry> entries; // ascending
  bool more = false;
};

struct member_page {
  std::vector<std::pair<user_id, room_role>> members;
  bool more = false;
};

/// A script's answer as a value, or why it refused.
template <class T>
using outcome = std::variant<T, client_error>;

script_call call_room_create(const room_create& what, const user_id& owner);
script_call call_dialogue_create(const room_id& room, const user_id& user, const user_id& other);
script_call call_room_join(const room_id& room, const user_id& user, std::size_t members_max, bool make);
script_call call_room_leave(const room_id& room, const user_id& user);
script_call call_room_add(const room_add& what, const user_id& by, std::size_t members_max);
script_call call_room_remove(const room_remove& what, const user_id& by);
script_call call_room_info(const room_id& room, const user_id& user);
script_call call_room_members(const room_members& what, const user_id& user);
script_call call_room_restore(const room_id& room, const room_description& known, log_position seen,
                              const std::vector<std::pair<user_id, room_role>>& members);
/// `user` empty: the room itself reads, to close a gap.
script_call call_room_range(const room_history& what, const user_id& user);
/// `seen`: the highest number that the caller's node knows of, so that a log that lost its tail is noticed.
script_call call_append(const message_send& what, const user_id& from, log_position seen, std::size_t messages_max,
                        std::int64_t idempotency_ms);
script_call call_publish(const room_id& room, std::string payload);

outcome<room_description> read_room(const redis_value& answer);
outcome<made_dialogue> read_dialogue(const redis_value& answer);
outcome<log_range> read_range(const redis_value& answer, std::size_t limit);
outcome<member_page> read_members(const redis_value& answer, std::size_t limit);
struct appended {
  log_position at;
  std::int64_t unix_ms = 0;
};
outcome<appended> read_appended(const redis_value& answer);
/// Where the log ended when the user was added; nothing if the user was a member before.
outcome<std::optional<seq_number>> read_added(const redis_value& answer);
/// 'OK', or why not.
outcome<std::monostate> read_done(const redis_value& answer);

// -- users -------------------------------------------------------------------------------------------------------

struct user_rooms {
  std::uint64_t version = 0;                         // counts changes
  std::vector<std::pair<room_id, seq_number>> rooms; // with the read mark
  std::int64_t revoked_s = 0;                        // tokens issued up to this unix second are refused; 0: never any
};

script_call call_user_room_add(const user_id& user, const room_id& room, std::size_t rooms_max);
script_call call_user_room_remove(const user_id& user, const std::vector<room_id>& rooms);
script_call call_user_rooms(const user_id& user);
script_call call_user_mark(const user_id& user, const room_id& room, seq_number seq);
/// Tells the user's sessions everywhere (`payload`: see `write_hint`, `write_kick`); answers how many nodes it reached.
script_call call_user_hint(const user_id& user, std::string payload);
outcome<user_rooms> read_user_rooms(const redis_value& answer);

// -- presence ----------------------------------------------------------------------------------------------------

struct user_presence {
  std::uint64_t version = 0;
  std::int64_t seen_unix_ms = 0;  // 0: never
  std::vector<std::string> nodes; // where the user is connected; empty: offline
};

script_call call_lease(std::string_view node, std::int64_t ttl_ms);
script_call call_lease_end(std::string_view node);
/// All users must live on one shard under `table_epoch`.
script_call call_presence_set(std::string_view node, const std::vector<std::pair<user_id, bool>>& users,
                              std::uint64_t table_epoch);
script_call call_presence_get(const std::vector<user_id>& users, std::uint64_t table_epoch);
outcome<std::vector<user_presence>> read_presence(const redis_value& answer);
outcome<std::vector<std::string>> read_names(const redis_value& answer);

// -- shards ------------------------------------------------------------------------------------------------------

script_call call_shard_claim(const std::string& cluster, const std::string& shard, std::uint64_t table_epoch);

/// What a feed's tail is read from.
enum class tail_kind : std::uint8_t { room, user_rooms, presence };
struct feed_name {
  tail_kind kind;
  std::string id; // of the room or user
  bool operator==(const feed_name&) const = default;
};
std::string channel_of(const feed_name& feed);
/// The feed whose channel it is.
feed_name feed_of(std::string_view channel);
std::string key_of(const feed_name& feed);

/// How far a feed is: for a room the log's tail and the members' version, else the version alone.
struct feed_tail {
  log_position at;
  std::uint64_t version = 0;
  bool operator==(const feed_tail&) const = default;
};
/// How often any feed of a shard has moved: while that stays the same, so do all tails. For the shard that it is run
/// on.
script_call call_changes();
outcome<std::uint64_t> read_changes(const redis_value& answer);
script_call call_tails(const std::vector<feed_name>& feeds);
outcome<std::vector<feed_tail>> read_tails(const redis_value& answer);

/// Why a script could not be run at all ("UNAVAILABLE ...", "STALE ...", or a bug), for the client.
client_error error_of(const redis_value::error& error);

} // namespace starling
