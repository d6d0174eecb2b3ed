#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "chat/store.hpp"

/// What travels over the channels of the shards, between nodes: one line of text, its kind in the first letter.
/// What a later version adds is skipped by an earlier one.
namespace starling {

/// `m <epoch> <seq> <ms> <from> <body>`: a message is in the log.
struct message_logged {
  log_entry entry;
};
/// `c <version> <change> <user> <by> <role>`: a room's members have changed.
struct member_changed {
  std::uint64_t version = 0;
  std::string change; // joined, left, added, removed, role
  user_id user;
  user_id by;
  room_role role = room_role::none;
};
/// `t <user>`: a member is typing.
struct member_typing {
  user_id user;
};
/// `r <seq> <user>`: a member has read up to `seq`.
struct member_read {
  seq_number seq = 0;
  user_id user;
};
/// `w <node> <number>`: which of your users are in this room? Each node that listens answers with `who_told`.
struct who_asked {
  std::string node;
  std::uint64_t number = 0;
};
/// `h <node> <number> <user> <user> ...`
struct who_told {
  std::string node; // that asked
  std::uint64_t number = 0;
  std::vector<user_id> users;
};
/// `j <seq> <change> <by> <role> <room>`: a user is new in a room whose log ended at `seq`.
struct room_hinted {
  seq_number seq = 0;
  std::string change; // joined, added
  user_id by;
  room_role role = room_role::none;
  room_id room;
};
/// `p <version> <seen> <node> <node> ...`: where a user is connected has changed.
struct presence_changed {
  user_presence now;
};

/// `k <session> <reason>`: a user's sessions are sent away, all ("*") or the one of this name, `<node>/<number>`.
struct sessions_kicked {
  std::string session;
  std::string reason;
};
/// `e <second>`: tokens of the user that were issued up to this unix second are refused.
struct tokens_revoked {
  std::int64_t until_s = 0;
};

using bus_event = std::variant<message_logged, member_changed, member_typing, member_read, who_asked, who_told,
                               room_hinted, presence_changed, sessions_kicked, tokens_revoked>;

/// Reads a payload; nothing if it is of no kind known here, or broken.
std::optional<bus_event> read_bus(std::string_view payload);

/// How far a feed is after this payload, as `tails` would tell it; nothing for what does not move it.
struct feed_step {
  std::optional<log_position> at;
  std::optional<std::uint64_t> version;
};
feed_step step_of(std::string_view payload);

/// `x <number> <epoch> <seq>`: the message that is published next, with this place in the log, is traced under this
/// number. No event: only who traces reads it.
struct trace_mark {
  std::uint64_t number = 0;
  log_position at;
};
std::optional<trace_mark> read_trace_mark(std::string_view payload);

std::string write_hint(const room_hinted& hint);
std::string write_kick(const sessions_kicked& kick);
std::string write_typing(const user_id& user);
std::string write_read(const user_id& user, seq_number seq);
std::string write_who_asked(std::string_view node, std::uint64_t number);
std::string write_who_told(std::string_view node, std::uint64_t number, const std::vector<user_id>& users);

} // namespace starling
