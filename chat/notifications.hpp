#pragma once

#include <string>

#include "chat/bus.hpp"
#include "chat/log_cursor.hpp"
#include "chat/store.hpp"

/// What the server tells clients, as JSON text: notifications whole, results as what stands in `result`.
namespace starling {

/// `{room, epoch, seq, from, at, text, data?, key?}`
std::string message_text(const room_id& room, const log_entry& entry);

std::string message_notification(const room_id& room, const log_entry& entry);
std::string gap_notification(const room_id& room, const log_gap& gap);
/// A room could not be reached when the session opened; now its log ends at `tail`, and what follows is pushed.
std::string available_notification(const room_id& room, log_position tail);
std::string member_notification(const room_id& room, const member_changed& change);
std::string typing_notification(const room_id& room, const user_id& user);
std::string read_notification(const room_id& room, const user_id& user, seq_number seq);
std::string presence_notification(const user_id& user, const user_presence& now);

/// `{room, title, kind, epoch, seq, members, role}`; with `range`, its messages and `more` too.
std::string room_text(const room_id& room, const room_description& description, const log_range* range = nullptr);
/// `{epoch, messages, more}`
std::string range_text(const room_id& room, const log_range& range);
/// What clients know a session by: `<node>/<number>`.
std::string session_name(std::string_view node, std::uint64_t number);
/// `{user, online, last_seen?}`
std::string presence_text(const user_id& user, const user_presence& now);
/// `{users: [{user, online, last_seen?}]}`
std::string presence_list_text(const std::vector<user_id>& users, const std::vector<user_presence>& now);
/// `{members: [{user, role}], more}`
std::string members_text(const member_page& page);
/// `{room, epoch, seq, at}`: a message is in the log.
std::string sent_text(const room_id& room, const appended& sent);

/// Keeps of a range what one answer may hold: `messages_max`, and about `bytes_max` of text, at the near end
/// (`ascending`: the first ones). Sets `more` if something was cut.
void cut_range(log_range& range, bool ascending, std::size_t messages_max, std::size_t bytes_max);

} // namespace starling
