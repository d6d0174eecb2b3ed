#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "chat/error.hpp"

/// What clients ask, one struct per method of the protocol. Shapes are checked (types, lengths, characters) when one
/// of these exists; what needs knowledge (membership, rights) is not.
namespace starling {

using user_id = std::string; // [A-Za-z0-9._-]{1,64}
using room_id = std::string; // 1..128 bytes of UTF-8 without control characters
using seq_number = std::uint64_t;

/// Who speaks and acts when nobody in particular does: an application's own servers, by the server API. No user can
/// have this id, so scripts take it for the right to do anything.
inline constexpr std::string_view system_user = "@system";

enum class room_kind : std::uint8_t { public_room, private_room, dialogue };
enum class room_role : std::uint8_t { none, member, moderator, owner };

/// Who a verified token (or, in mode "open", the client's word) says that the client is.
struct identity {
  user_id user;
  std::string name;
  std::optional<std::chrono::system_clock::time_point> expires; // of the token; nothing in mode "open"
  std::optional<std::int64_t> issued_s = std::nullopt;          // unix seconds, if the token tells
};

struct session_open {
  std::string token; // one of the two is empty
  user_id user;      // mode "open" only
};
/// `session.open` after the connection has verified it: the first opens the session, later ones renew it.
struct session_verified {
  identity who;
};
struct room_create {
  room_id room;
  std::string title;
  room_kind kind = room_kind::public_room;
  std::vector<user_id> members;
};
struct room_join {
  room_id room;
  std::optional<seq_number> since;
};
struct room_leave {
  room_id room;
};
struct room_add {
  room_id room;
  user_id user;
  std::optional<room_role> role;
};
struct room_remove {
  room_id room;
  user_id user;
};
struct room_info {
  room_id room;
};
struct room_members {
  room_id room;
  user_id after;
  std::size_t limit = 100;
};
struct room_who {
  room_id room;
};
struct room_list {};
struct room_history {
  room_id room;
  std::optional<seq_number> before;
  std::optional<seq_number> after;
  std::size_t limit = 50;
};
struct room_sync {
  std::map<room_id, seq_number> rooms;
};
struct message_send {
  room_id room; // one of `room` and `to` is empty
  user_id to;
  std::string key;
  std::string
      body; // `"text":...` and, if given, `,"data":...` and `,"key":...`: members of a JSON object, ready for the log
  std::uint64_t trace = 0; // not 0: its way is noted under this number
};
struct message_read {
  room_id room;
  seq_number seq = 0;
};
struct typing {
  room_id room;
};
struct presence_get {
  std::vector<user_id> users;
};
struct presence_watch {
  std::vector<user_id> users;
};
struct presence_unwatch {
  std::vector<user_id> users;
};
struct ping {};

using request_params =
    std::variant<session_open, session_verified, room_create, room_join, room_leave, room_add, room_remove, room_info,
                 room_members, room_who, room_list, room_history, room_sync, message_send, message_read, typing,
                 presence_get, presence_watch, presence_unwatch, ping>;

/// One request of a client.
struct request {
  std::string id; // as JSON text (`7`, `"a"`); empty: a notification, which is not answered
  request_params params;
};

} // namespace starling
