#include "chat/notifications.hpp"

#include <algorithm>

#include "chat/codec.hpp"
#include "chat/json_text.hpp"

namespace starling {
namespace {

std::string messages_text(const room_id& room, const log_range& range) {
  json_array messages;
  for (auto& entry : range.entries)
    messages.add_json(message_text(room, entry));
  return messages.text();
}

} // namespace

std::string message_text(const room_id& room, const log_entry& entry) {
  return json_object()
      .add("room", room)
      .add("epoch", entry.at.epoch)
      .add("seq", entry.at.seq)
      .add("from", entry.from)
      .add("at", time_text(entry.unix_ms))
      .add_members(entry.body)
      .text();
}

std::string message_notification(const room_id& room, const log_entry& entry) {
  return encode_notification("message", message_text(room, entry));
}

std::string gap_notification(const room_id& room, const log_gap& gap) {
  return encode_notification(
      "room.gap",
      json_object().add("room", room).add("epoch", gap.epoch).add("from", gap.from).add("to", gap.to).text());
}

std::string available_notification(const room_id& room, log_position tail) {
  return encode_notification("room.available",
                             json_object().add("room", room).add("epoch", tail.epoch).add("seq", tail.seq).text());
}

std::string member_notification(const room_id& room, const member_changed& change) {
  json_object params;
  params.add("room", room).add("user", change.user).add("change", change.change).add("by", change.by);
  if (change.role != room_role::none) params.add("role", name_of(change.role));
  return encode_notification("member", params.text());
}

std::string typing_notification(const room_id& room, const user_id& user) {
  return encode_notification("typing", json_object().add("room", room).add("user", user).text());
}

std::string read_notification(const room_id& room, const user_id& user, seq_number seq) {
  return encode_notification("read", json_object().add("room", room).add("user", user).add("seq", seq).text());
}

std::string presence_text(const user_id& user, const user_presence& now) {
  json_object params;
  params.add("user", user).add("online", !now.nodes.empty());
  if (now.nodes.empty() && now.seen_unix_ms > 0) params.add("last_seen", time_text(now.seen_unix_ms));
  return params.text();
}

std::string session_name(std::string_view node, std::uint64_t number) {
  return std::string(node) + "/" + std::to_string(number);
}

std::string presence_list_text(const std::vector<user_id>& users, const std::vector<user_presence>& now) {
  json_array list;
  for (std::size_t i = 0; i < users.size() && i < now.size(); ++i)
    list.add_json(presence_text(users[i], now[i]));
  return json_object().add_json("users", list.text()).text();
}

std::string members_text(const member_page& page) {
  json_array members;
  for (auto& [user, role] : page.members)
    members.add_json(json_object().add("user", user).add("role", name_of(role)).text());
  return json_object().add_json("members", members.text()).add("more", page.more).text();
}

std::string sent_text(const room_id& room, const appended& sent) {
  return json_object()
      .add("room", room)
      .add("epoch", sent.at.epoch)
      .add("seq", sent.at.seq)
      .add("at", time_text(sent.unix_ms))
      .text();
}

std::string presence_notification(const user_id& user, const user_presence& now) {
  return encode_notification("presence", presence_text(user, now));
}

std::string room_text(const room_id& room, const room_description& description, const log_range* range) {
  json_object result;
  result.add("room", room)
      .add("title", description.title)
      .add("kind", name_of(description.kind))
      .add("epoch", description.tail.epoch)
      .add("seq", description.tail.seq)
      .add("members", description.members)
      .add("role", name_of(description.role));
  if (range) result.add_json("messages", messages_text(room, *range)).add("more", range->more);
  return result.text();
}

std::string range_text(const room_id& room, const log_range& range) {
  return json_object()
      .add("epoch", range.tail.epoch)
      .add_json("messages", messages_text(room, range))
      .add("more", range.more)
      .text();
}

void cut_range(log_range& range, bool ascending, std::size_t messages_max, std::size_t bytes_max) {
  auto& entries = range.entries;
  if (!ascending) std::reverse(entries.begin(), entries.end());
  std::size_t kept = 0, bytes = 0;
  while (kept < entries.size() && kept < messages_max) {
    bytes += entries[kept].body.size() + 200; // its other members
    if (kept > 0 && bytes > bytes_max) break;
    ++kept;
  }
  if (kept < entries.size()) range.more = true;
  entries.resize(kept);
  if (!ascending) std::reverse(entries.begin(), entries.end());
}

} // namespace starling
