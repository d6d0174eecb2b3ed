#include "chat/store.hpp"
#include "chat/revocation.hpp"
#include "chat/store_look.hpp"

#include <algorithm>
#include <charconv>

#include "chat/json_text.hpp"
#include "chat/redis_denial.hpp"

namespace starling {
namespace {

/// The part comes first: a room's id may hold anything, so only at the end can it not be mistaken for something else.
std::string room_name(const room_id& room, std::string_view part) {
  return std::string("room:").append(part).append(":").append(room);
}

std::string user_name(const user_id& user, std::string_view part) {
  return std::string("user:").append(user).append(":").append(part);
}

constexpr std::string_view leases = "starling:leases";

std::string text(std::uint64_t number) { return std::to_string(number); }

std::vector<std::string> room_keys(const room_id& room, std::initializer_list<std::string_view> parts) {
  std::vector<std::string> result;
  result.reserve(parts.size());
  for (auto part : parts)
    result.push_back(room_name(room, part));
  return result;
}

script_call on_room(const char* script, const room_id& room, std::initializer_list<std::string_view> parts,
                    std::vector<std::string> args) {
  return {script, room_key(room), room_keys(room, parts), std::move(args)};
}

std::string role_text(room_role role) { return std::string(name_of(role)); }

std::uint64_t number(const redis_value& value) {
  auto result = value.to_int();
  return result < 0 ? 0 : static_cast<std::uint64_t>(result);
}

/// The error that a script's word stands for; `errc::none` for a word that is none.
client_error refusal(const redis_value& answer) {
  if (auto* error = answer.if_error()) return error_of(*error);
  auto* word = answer.if_string();
  if (!word) return {};
  if (*word == "ABSENT") return {errc::no_such_room, {}, {}, 0};
  if (*word == "FORBIDDEN") return {errc::forbidden, {}, {}, 0};
  if (*word == "EXISTS") return {errc::conflict, "the room exists", {}, 0};
  if (*word == "FULL") return {errc::conflict, "limit reached", {}, 0};
  if (*word == "LAST") return {errc::conflict, "a room needs an owner", {}, 0};
  if (*word == "STRANGER") return {errc::conflict, "not a member", {}, 0};
  return {};
}

/// For answers that should have been an array and are none.
client_error broken(const redis_value& answer) {
  auto why = refusal(answer);
  if (why.code == errc::none) why = {errc::internal, "a shard answered what nobody asked", {}, 0};
  return why;
}

} // namespace

std::string room_channel(const room_id& room) { return "room:" + room; }
std::string user_channel(const user_id& user) { return "user:" + user; }
std::string presence_channel(const user_id& user) { return "presence:" + user; }
std::string room_key(const room_id& room) { return "room:" + room; }
std::string user_key(const user_id& user) { return "user:" + user; }

room_id dialogue_of(const user_id& one, const user_id& other) {
  return one < other ? "dm:" + one + ":" + other : "dm:" + other + ":" + one;
}

std::optional<std::pair<user_id, user_id>> users_of_dialogue(const room_id& room) {
  if (!room.starts_with("dm:")) return {};
  auto colon = room.find(':', 3); // user ids hold no colon
  if (colon == std::string::npos) return {};
  return std::pair{room.substr(3, colon - 3), room.substr(colon + 1)};
}

script_call call_room_create(const room_create& what, const user_id& owner) {
  std::vector<std::string> args{room_channel(what.room), std::string(name_of(what.kind)), what.title, owner};
  args.insert(args.end(), what.members.begin(), what.members.end());
  return on_room("room_create", what.room, {"info", "members", "roles", "log", "epochs"}, std::move(args));
}

script_call call_dialogue_create(const room_id& room, const user_id& user, const user_id& other) {
  return on_room("dialogue_create", room, {"info", "members", "roles", "log", "epochs"},
                 {room_channel(room), user, other});
}

script_call call_room_join(const room_id& room, const user_id& user, std::size_t members_max, bool make) {
  return on_room("room_join", room, {"info", "members", "roles", "log", "epochs"},
                 {room_channel(room), user, text(members_max), make ? "1" : "0"});
}

script_call call_room_leave(const room_id& room, const user_id& user) {
  return on_room("room_leave", room, {"info", "members", "roles"}, {room_channel(room), user});
}

script_call call_room_add(const room_add& what, const user_id& by, std::size_t members_max) {
  return on_room("room_add", what.room, {"info", "members", "roles", "log"},
                 {room_channel(what.room), by, what.user, what.role ? role_text(*what.role) : "", text(members_max)});
}

script_call call_room_remove(const room_remove& what, const user_id& by) {
  return on_room("room_remove", what.room, {"info", "members", "roles"}, {room_channel(what.room), by, what.user});
}

script_call call_room_info(const room_id& room, const user_id& user) {
  return on_room("room_info", room, {"info", "members", "roles", "log"}, {user});
}

script_call call_room_look(const room_id& room) {
  return on_room("room_look", room, {"info", "members", "roles", "log"}, {});
}

script_call call_room_members(const room_members& what, const user_id& user) {
  return on_room("room_members", what.room, {"info", "members", "roles"}, {user, what.after, text(what.limit)});
}

script_call call_room_restore(const room_id& room, const room_description& known, log_position seen,
                              const std::vector<std::pair<user_id, room_role>>& members) {
  std::vector<std::string> args{room_channel(room), std::string(name_of(known.kind)),
                                known.title,        text(seen.epoch),
                                text(seen.seq),     text(known.version)};
  for (auto& [user, role] : members) {
    args.push_back(user);
    args.push_back(role_text(role));
  }
  return on_room("room_restore", room, {"info", "members", "roles", "log", "epochs"}, std::move(args));
}

script_call call_room_range(const room_history& what, const user_id& user) {
  bool after = what.after.has_value();
  auto bound = after ? what.after : what.before;
  return on_room("room_range", what.room, {"info", "members", "log", "epochs"},
                 {user, after ? "after" : "before", bound ? text(*bound) : "", text(what.limit)});
}

script_call call_append(const message_send& what, const user_id& from, log_position seen, std::size_t messages_max,
                        std::int64_t idempotency_ms) {
  auto result = on_room("append", what.room, {"info", "members", "log", "epochs"},
                        {room_channel(what.room), from, text(messages_max), text(seen.epoch), text(seen.seq),
                         std::to_string(idempotency_ms), what.body});
  // With the key's length, no two triples of user, key and room meet in one name.
  if (!what.key.empty())
    result.keys.push_back(room_name(what.room, "key:" + from + ":" + text(what.key.size()) + ":" + what.key));
  if (what.trace != 0) result.args.push_back(text(what.trace));
  result.trace = what.trace;
  return result;
}

script_call call_publish(const room_id& room, std::string payload) {
  return {"publish", room_key(room), {}, {room_channel(room), std::move(payload)}};
}

outcome<room_description> read_room(const redis_value& answer) {
  if (!answer.if_array()) return broken(answer);
  room_description room;
  room.kind = kind_from(answer.at(0).to_string());
  room.title = answer.at(1).to_string();
  room.tail = {number(answer.at(2)), number(answer.at(3))};
  room.members = number(answer.at(4));
  room.version = number(answer.at(5));
  room.role = role_from(answer.at(6).to_string());
  return room;
}

outcome<made_dialogue> read_dialogue(const redis_value& answer) {
  auto room = read_room(answer);
  if (auto* why = std::get_if<client_error>(&room)) return std::move(*why);
  return made_dialogue{std::move(std::get<room_description>(room)), answer.at(7).to_string() == "1",
                       answer.at(8).to_string() == "1"};
}

outcome<log_range> read_range(const redis_value& answer, std::size_t limit) {
  auto* entries = answer.at(2).if_array();
  if (!entries) return broken(answer);
  log_range range;
  range.tail = {number(answer.at(0)), number(answer.at(1))};
  range.entries.reserve(entries->size());
  for (auto& e : *entries)
    range.entries.push_back(
        {{number(e.at(0)), number(e.at(1))}, e.at(2).to_int(), e.at(3).to_string(), e.at(4).to_string()});
  range.more = range.entries.size() > limit;
  return range;
}

outcome<member_page> read_members(const redis_value& answer, std::size_t limit) {
  auto* items = answer.if_array();
  if (!items) return broken(answer);
  member_page page;
  for (std::size_t i = 0; i + 1 < items->size() && page.members.size() < limit; i += 2)
    page.members.emplace_back((*items)[i].to_string(), role_from((*items)[i + 1].to_string()));
  page.more = items->size() / 2 > limit;
  return page;
}

outcome<appended> read_appended(const redis_value& answer) {
  if (!answer.if_array()) return broken(answer);
  return appended{{number(answer.at(0)), number(answer.at(1))}, answer.at(2).to_int()};
}

outcome<std::optional<seq_number>> read_added(const redis_value& answer) {
  if (answer.if_array()) return number(answer.at(0));
  auto why = refusal(answer);
  if (why.code != errc::none) return why;
  return std::nullopt;
}

outcome<std::monostate> read_done(const redis_value& answer) {
  auto why = refusal(answer);
  if (why.code != errc::none) return why;
  return std::monostate{};
}

script_call call_user_room_add(const user_id& user, const room_id& room, std::size_t rooms_max) {
  return {"user_room_add", user_key(user), {user_key(user), user_name(user, "rooms")}, {room, text(rooms_max)}};
}

script_call call_user_room_remove(const user_id& user, const std::vector<room_id>& rooms) {
  return {"user_room_remove", user_key(user), {user_key(user), user_name(user, "rooms")}, rooms};
}

script_call call_user_rooms(const user_id& user) {
  return {"user_rooms", user_key(user), {user_key(user), user_name(user, "rooms")}, {}};
}

script_call call_user_mark(const user_id& user, const room_id& room, seq_number seq) {
  return {"user_mark", user_key(user), {user_name(user, "rooms")}, {room, text(seq)}};
}

script_call call_user_hint(const user_id& user, std::string payload) {
  return {"publish", user_key(user), {}, {user_channel(user), std::move(payload)}};
}

outcome<user_rooms> read_user_rooms(const redis_value& answer) {
  auto* items = answer.at(1).if_array();
  if (!items) return broken(answer);
  user_rooms result;
  result.version = number(answer.at(0));
  for (std::size_t i = 0; i + 1 < items->size(); i += 2)
    result.rooms.emplace_back((*items)[i].to_string(), number((*items)[i + 1]));
  result.revoked_s = answer.at(2).to_int();
  return result;
}

script_call call_user_revoke(const user_id& user) {
  return {"user_revoke", user_key(user), {user_key(user)}, {user_channel(user)}};
}

outcome<revoked_tokens> read_revoked(const redis_value& answer) {
  if (!answer.if_array()) return broken(answer);
  return revoked_tokens{answer.at(0).to_int(), number(answer.at(1))};
}

bool is_revoked(const identity& who, std::int64_t until_s) {
  bool by_token = who.expires.has_value();
  return until_s > 0 && by_token && who.issued_s.value_or(0) <= until_s;
}

script_call call_lease(std::string_view node, std::int64_t ttl_ms) {
  return {"lease", {}, {std::string(leases)}, {std::string(node), std::to_string(ttl_ms)}};
}

script_call call_lease_end(std::string_view node) {
  return {"lease_end", {}, {std::string(leases)}, {std::string(node)}};
}

script_call call_presence_set(std::string_view node, const std::vector<std::pair<user_id, bool>>& users,
                              std::uint64_t table_epoch) {
  script_call call{"presence_set", {}, {std::string(leases)}, {std::string(node)}, table_epoch};
  for (auto& [user, here] : users) {
    call.keys.push_back(user_key(user));
    call.keys.push_back(user_name(user, "nodes"));
    call.args.push_back(presence_channel(user));
    call.args.emplace_back(here ? "1" : "0");
  }
  if (!users.empty()) call.key = user_key(users.front().first);
  return call;
}

script_call call_presence_get(const std::vector<user_id>& users, std::uint64_t table_epoch) {
  script_call call{"presence_get", {}, {std::string(leases)}, {}, table_epoch};
  for (auto& user : users) {
    call.keys.push_back(user_key(user));
    call.keys.push_back(user_name(user, "nodes"));
  }
  if (!users.empty()) call.key = user_key(users.front());
  return call;
}

outcome<std::vector<user_presence>> read_presence(const redis_value& answer) {
  auto* items = answer.if_array();
  if (!items) return broken(answer);
  std::vector<user_presence> result;
  for (auto& item : *items) {
    user_presence user{number(item.at(0)), item.at(1).to_int(), {}};
    if (auto* fields = item.if_array())
      for (std::size_t i = 2; i < fields->size(); ++i)
        user.nodes.push_back((*fields)[i].to_string());
    result.push_back(std::move(user));
  }
  return result;
}

outcome<std::vector<std::string>> read_names(const redis_value& answer) {
  auto* items = answer.if_array();
  if (!items) return broken(answer);
  std::vector<std::string> result;
  for (auto& item : *items)
    result.push_back(item.to_string());
  return result;
}

script_call call_shard_claim(const std::string& cluster, const std::string& shard, std::uint64_t table_epoch) {
  return {"shard_claim", {}, {}, {cluster, shard, text(table_epoch)}};
}

std::string channel_of(const feed_name& feed) {
  switch (feed.kind) {
  case tail_kind::room:
    return room_channel(feed.id);
  case tail_kind::user_rooms:
    return user_channel(feed.id);
  default:
    return presence_channel(feed.id);
  }
}

feed_name feed_of(std::string_view channel) {
  auto colon = channel.find(':');
  auto kind = channel.substr(0, colon);
  auto id = colon == channel.npos ? std::string() : std::string(channel.substr(colon + 1));
  return {kind == "room"   ? tail_kind::room
          : kind == "user" ? tail_kind::user_rooms
                           : tail_kind::presence,
          std::move(id)};
}

std::string key_of(const feed_name& feed) {
  return feed.kind == tail_kind::room ? room_key(feed.id) : user_key(feed.id);
}

script_call call_changes() { return {"changes", {}, {}, {}}; }

outcome<std::uint64_t> read_changes(const redis_value& answer) {
  if (!answer.if_string()) return broken(answer);
  return number(answer);
}

// Both ways as one string, a line a feed, in place of keys and arrays with an allocation for each: there are thousands
// of feeds a second to be looked at.
std::vector<std::string> subscribers_command(const std::vector<feed_name>& feeds) {
  std::vector<std::string> words{"PUBSUB", "NUMSUB"};
  for (auto& feed : feeds)
    words.push_back(channel_of(feed));
  return words;
}

outcome<std::vector<std::uint64_t>> read_subscribers(const redis_value& answer) {
  auto* pairs = answer.if_array();
  if (!pairs) return broken(answer);
  std::vector<std::uint64_t> result;
  for (std::size_t i = 1; i < pairs->size(); i += 2)
    result.push_back(number((*pairs)[i]));
  return result;
}

script_call call_tails(const std::vector<feed_name>& feeds) {
  std::string lines;
  for (auto& feed : feeds) {
    lines += feed.kind == tail_kind::room ? 'r' : feed.kind == tail_kind::user_rooms ? 'u' : 'p';
    lines.append(feed.id).push_back('\n');
  }
  return {"tails", feeds.empty() ? std::string() : key_of(feeds.front()), {}, {std::move(lines)}};
}

outcome<std::vector<feed_tail>> read_tails(const redis_value& answer) {
  auto* lines = answer.if_string();
  if (!lines) return broken(answer);
  std::vector<feed_tail> result;
  std::string_view rest = *lines;
  auto take = [&rest] { // a number and the space or line's end behind it
    std::uint64_t value = 0;
    auto end = std::from_chars(rest.data(), rest.data() + rest.size(), value).ptr;
    rest.remove_prefix(std::min(static_cast<std::size_t>(end - rest.data()) + 1, rest.size()));
    return value;
  };
  while (!rest.empty()) {
    feed_tail tail;
    tail.at.epoch = take();
    tail.at.seq = take();
    tail.version = take();
    result.push_back(tail);
  }
  return result;
}

client_error error_of(const redis_value::error& error) {
  std::string_view what = error.text;
  if (what.starts_with("UNAVAILABLE") || what.starts_with("STALE") || what.starts_with("LOADING") ||
      what.starts_with("MISCONF") || what.starts_with("OOM") || what.starts_with("READONLY") ||
      what.starts_with("BUSY") || is_denied(error))
    return {errc::unavailable, {}, {}, 0};
  return {errc::internal, {}, {}, 0};
}

} // namespace starling
