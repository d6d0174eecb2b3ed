#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "chat/error.hpp"
#include "chat/requests.hpp"
#include "chat/settings.hpp"

/// What an application's own servers ask by the server API, one struct per call that clients do not have; the others
/// are requests of the client protocol, made with the rights of the system. As there, shapes are checked when one of
/// these exists.
namespace starling {

/// `message.send`
struct api_send {
  message_send what;
  user_id from; // a user, whose rights it takes then; or the system
};
/// `room.create`
struct api_create {
  room_create what;
  user_id owner; // a user; or the system, then the room has none
};
/// `user.presence`: as `presence_get`, of one.
struct api_presence {
  user_id user;
};
/// `user.sessions`: on which nodes the user is connected.
struct api_sessions {
  user_id user;
};
/// `sessions.kick`: ends sessions, which may be opened again.
struct api_kick {
  user_id user;
  std::string session; // `<node>/<number>`; empty: all of the user
};
/// `sessions.revoke`: ends all sessions, and refuses the tokens that the user has now.
struct api_revoke {
  user_id user;
};

using api_call = std::variant<api_send, api_create, room_info, room_members, room_add, room_remove, room_history,
                              presence_get, api_presence, api_sessions, api_kick, api_revoke>;

/// What has come of a call: a JSON object, or why not.
using api_outcome = std::variant<std::string, client_error>;

/// Reads a call by its name, as they stand above or as the client protocol has them, and its params as JSON text.
std::variant<api_call, client_error> decode_api_call(std::string_view name, std::string_view params,
                                                     const limits& bounds);

/// Does the call change anything?
bool is_change(const api_call& call);
/// What is noted of a call: `message.send room=lobby from=@system`, and never what was said.
std::string summary_of(const api_call& call);

} // namespace starling
