// The scripts of net/scripts as chat/store calls them, on the Redis in this process: the contract test shows that a
// real one answers the same.
#include <catch2/catch.hpp>

#include "chat/bus.hpp"
#include "chat/revocation.hpp"
#include "chat/store.hpp"
#include "net/memory_redis.hpp"
#include "net/scripts.hpp"

using namespace starling;

namespace {

struct shard_store {
  std::int64_t now = 1'700'000'000'000;
  std::vector<std::pair<std::string, std::string>> published;
  net::script_set scripts = net::script_set::embedded();
  net::memory_redis redis{[this] { return now; },
                          [this](const std::string& channel, const std::string& payload) {
                            published.emplace_back(channel, payload);
                            return std::int64_t{1};
                          }};

  shard_store() { run(call_shard_claim("test", "s1", 1)); }

  redis_value run(script_call call) {
    auto* script = scripts.find(call.script);
    REQUIRE(script);
    call.keys.insert(call.keys.begin(), std::string(shard_record));
    call.args.insert(call.args.begin(), call.script == "shard_claim" ? "-" : "1");
    auto answer = redis.eval(script->text, call.keys, call.args);
    if (auto* error = answer.if_error()) WARN(error->text);
    return answer;
  }

  room_description room(script_call call) {
    auto outcome = read_room(run(std::move(call)));
    if (auto* why = std::get_if<client_error>(&outcome)) FAIL(why->text << " " << static_cast<int>(why->code));
    return std::get<room_description>(outcome);
  }

  errc refusal(script_call call) {
    auto outcome = read_room(run(std::move(call)));
    return std::holds_alternative<client_error>(outcome) ? std::get<client_error>(outcome).code : errc::none;
  }

  appended append(const room_id& id, const user_id& from, std::string key = {}, log_position seen = {}) {
    auto outcome = read_appended(run(call_append({id, {}, key, "\"text\":\"x\""}, from, seen, 100, 1000)));
    if (auto* why = std::get_if<client_error>(&outcome)) FAIL(why->text);
    return std::get<appended>(outcome);
  }

  log_range range(room_history what, const user_id& user = {}) {
    auto outcome = read_range(run(call_room_range(what, user)), what.limit);
    if (auto* why = std::get_if<client_error>(&outcome)) FAIL(why->text);
    return std::get<log_range>(outcome);
  }
};

std::vector<seq_number> numbers(const log_range& range) {
  std::vector<seq_number> result;
  for (auto& entry : range.entries)
    result.push_back(entry.at.seq);
  return result;
}

using list = std::vector<seq_number>;

} // namespace

TEST_CASE("a shard belongs to one cluster under one name, and its table's epoch only rises", "[store]") {
  shard_store store;
  CHECK(store.run(call_shard_claim("test", "s1", 3)).at(0).to_int() == 3);
  CHECK(store.run(call_shard_claim("test", "s1", 2)).at(0).to_int() == 3);
  CHECK(store.run(call_shard_claim("other", "s1", 9)).to_string() == "FOREIGN test s1");
  auto stale = store.run(call_user_rooms("ann")); // still under table 1
  REQUIRE(stale.if_error());
  CHECK(error_of(*stale.if_error()).code == errc::unavailable);
}

TEST_CASE("the first to join a missing room owns it, the log counts from 1", "[store]") {
  shard_store store;
  CHECK(store.refusal(call_room_join("r", "ann", 10, false)) == errc::no_such_room);
  auto room = store.room(call_room_join("r", "ann", 10, true));
  CHECK(room.role == room_role::owner);
  CHECK(room.tail.seq == 0);
  CHECK(store.room(call_room_join("r", "bob", 10, true)).role == room_role::member);
  auto first = store.append("r", "ann");
  auto second = store.append("r", "bob");
  CHECK(first.at == log_position{room.tail.epoch, 1});
  CHECK(second.at.seq == 2);
  CHECK(store.room(call_room_info("r", "bob")).tail.seq == 2);
  auto event = read_bus(store.published.back().second);
  REQUIRE(event);
  auto& logged = std::get<message_logged>(*event).entry;
  CHECK(logged.at == second.at);
  CHECK(logged.from == "bob");
  CHECK(logged.body == "\"text\":\"x\"");
}

TEST_CASE("only members post, and a repeated key answers the first number", "[store]") {
  shard_store store;
  store.room(call_room_join("r", "ann", 10, true));
  auto outsider = read_appended(store.run(call_append({"r", {}, {}, "\"text\":\"x\""}, "eve", {}, 100, 1000)));
  CHECK(std::get<client_error>(outsider).code == errc::forbidden);
  auto nowhere = read_appended(store.run(call_append({"q", {}, {}, "\"text\":\"x\""}, "eve", {}, 100, 1000)));
  CHECK(std::get<client_error>(nowhere).code == errc::no_such_room);
  auto first = store.append("r", "ann", "k");
  auto count = store.published.size();
  auto again = store.append("r", "ann", "k");
  CHECK(again.at == first.at);
  CHECK(again.unix_ms == first.unix_ms);
  CHECK(store.published.size() == count);
  store.now += 2000;
  CHECK(store.append("r", "ann", "k").at.seq == 2);
}

TEST_CASE("history is read both ways, with one more known than asked", "[store]") {
  shard_store store;
  store.room(call_room_join("r", "ann", 10, true));
  for (int i = 0; i < 10; ++i)
    store.append("r", "ann");
  auto newest = store.range({"r", {}, {}, 3}, "ann");
  CHECK(numbers(newest) == list{7, 8, 9, 10});
  CHECK(newest.more);
  CHECK(numbers(store.range({"r", 4, {}, 5}, "ann")) == list{1, 2, 3});
  CHECK(numbers(store.range({"r", 1, {}, 5}, "ann")).empty());
  CHECK(numbers(store.range({"r", {}, 8, 5}, "ann")) == list{9, 10});
  CHECK(numbers(store.range({"r", {}, 0, 2}, "ann")) == list{1, 2, 3});
  CHECK(std::get<client_error>(read_range(store.run(call_room_range({"r", {}, {}, 5}, "eve")), 5)).code ==
        errc::forbidden);
}

TEST_CASE("a log that lost its end goes on behind it in a newer epoch", "[store]") {
  shard_store store;
  auto room = store.room(call_room_join("r", "ann", 10, true));
  for (int i = 0; i < 3; ++i)
    store.append("r", "ann");
  auto sent = store.append("r", "ann", {}, {room.tail.epoch, 10}); // a node has seen number 10
  CHECK(sent.at.epoch > room.tail.epoch);
  CHECK(sent.at.seq == 11);
  CHECK(store.append("r", "ann", {}, sent.at).at.seq == 12);
  CHECK(numbers(store.range({"r", {}, {}, 5}, "ann")) == list{1, 2, 3, 11, 12});
  CHECK(numbers(store.range({"r", 11, {}, 5}, "ann")) == list{1, 2, 3});
  CHECK(numbers(store.range({"r", {}, 2, 5}, "ann")) == list{3, 11, 12});
}

TEST_CASE("an empty shard gets its rooms back from what nodes know", "[store]") {
  shard_store store;
  auto room = store.room(call_room_create({"r", "Title", room_kind::private_room, {"bob"}}, "ann"));
  auto last = store.append("r", "ann");
  store.redis.clear();
  store.run(call_shard_claim("test", "s1", 1));
  CHECK(store.refusal(call_room_info("r", "ann")) == errc::no_such_room);
  store.run(call_room_restore("r", room, last.at, {{"ann", room_role::owner}}));
  store.run(call_room_restore("r", room, last.at, {{"bob", room_role::member}}));
  auto back = store.room(call_room_info("r", "bob"));
  CHECK(back.kind == room_kind::private_room);
  CHECK(back.title == "Title");
  CHECK(back.members == 2);
  CHECK(back.tail.epoch > last.at.epoch);
  CHECK(store.append("r", "ann").at.seq == last.at.seq + 1);
}

TEST_CASE("owners and moderators add, change and remove, and a room keeps an owner", "[store]") {
  shard_store store;
  store.room(call_room_create({"r", "", room_kind::private_room, {"bob"}}, "ann"));
  auto added = [&](const user_id& by, const user_id& user, std::optional<room_role> role) {
    auto outcome = read_added(store.run(call_room_add({"r", user, role}, by, 10)));
    auto* why = std::get_if<client_error>(&outcome);
    return why ? why->code : errc::none;
  };
  auto removed = [&](const user_id& by, const user_id& user) {
    auto outcome = read_done(store.run(call_room_remove({"r", user}, by)));
    auto* why = std::get_if<client_error>(&outcome);
    return why ? why->code : errc::none;
  };
  CHECK(added("bob", "cid", {}) == errc::forbidden);
  CHECK(added("eve", "cid", {}) == errc::no_such_room);
  CHECK(added("ann", "bob", room_role::moderator) == errc::none);
  CHECK(added("bob", "cid", {}) == errc::none);
  CHECK(added("bob", "cid", room_role::owner) == errc::forbidden);
  CHECK(added("ann", "ann", room_role::member) == errc::conflict);
  CHECK(removed("ann", "ann") == errc::conflict);
  CHECK(removed("bob", "ann") == errc::forbidden);
  CHECK(removed("bob", "cid") == errc::none);
  CHECK(removed("bob", "cid") == errc::conflict);
  auto page = std::get<member_page>(read_members(store.run(call_room_members({"r", "", 1}, "ann")), 1));
  CHECK(page.members == decltype(page.members){{"ann", room_role::owner}});
  CHECK(page.more);
  store.run(call_room_leave("r", "ann"));
  CHECK(store.room(call_room_info("r", "bob")).role == room_role::owner);
}

TEST_CASE("a user is online while a node with a lease says so", "[store]") {
  shard_store store;
  auto get = [&] {
    return std::get<std::vector<user_presence>>(read_presence(store.run(call_presence_get({"ann"}, 1)))).at(0);
  };
  CHECK(get().nodes.empty());
  CHECK(get().seen_unix_ms == 0);
  store.run(call_lease("n1", 3000));
  store.run(call_presence_set("n1", {{"ann", true}}, 1));
  CHECK(get().nodes == std::vector<std::string>{"n1"});
  CHECK(store.published.back().first == "presence:ann");
  auto told = std::get<presence_changed>(*read_bus(store.published.back().second)).now;
  CHECK(told.nodes == get().nodes);
  CHECK(told.version == get().version);
  store.now += 4000; // the node has died
  CHECK(get().nodes.empty());
  CHECK(get().seen_unix_ms == store.now - 1000);
  auto renewed = [&] { return std::get<std::vector<std::string>>(read_names(store.run(call_lease("n2", 3000)))); };
  CHECK(renewed() == std::vector<std::string>{"NEW", "n2"});
  CHECK(renewed() == std::vector<std::string>{"HELD", "n2"});
  store.now += 3001; // it ran out, and what was said under it may be cleared away
  CHECK(renewed() == std::vector<std::string>{"NEW", "n2"});
  store.run(call_presence_set("n2", {{"ann", true}}, 1));
  store.run(call_presence_set("n2", {{"ann", false}}, 1));
  CHECK(get().nodes.empty());
  CHECK(get().seen_unix_ms == store.now);
}

TEST_CASE("lists of rooms, read marks and tails", "[store]") {
  shard_store store;
  auto add = [&](const room_id& room) { return read_done(store.run(call_user_room_add("ann", room, 2))); };
  CHECK(std::holds_alternative<std::monostate>(add("r")));
  CHECK(std::holds_alternative<std::monostate>(add("q")));
  CHECK(std::get<client_error>(add("p")).code == errc::conflict);
  CHECK(store.run(call_user_mark("ann", "r", 7)).to_int() == 1);
  CHECK(store.run(call_user_mark("ann", "r", 5)).to_int() == 0);
  store.run(call_user_room_remove("ann", {"q"}));
  auto rooms = std::get<user_rooms>(read_user_rooms(store.run(call_user_rooms("ann"))));
  CHECK(rooms.rooms == decltype(rooms.rooms){{"r", 7}});
  store.room(call_room_join("r", "ann", 10, true));
  auto sent = store.append("r", "ann");
  auto tails = std::get<std::vector<feed_tail>>(read_tails(store.run(call_tails({{tail_kind::user_rooms, "ann"},
                                                                                 {tail_kind::room, "r"},
                                                                                 {tail_kind::room, "none"},
                                                                                 {tail_kind::presence, "ann"}}))));
  REQUIRE(tails.size() == 4);
  CHECK(tails[0].version == rooms.version);
  CHECK(tails[1] == feed_tail{sent.at, 1});
  CHECK(tails[2] == feed_tail{});
  CHECK(tails[3] == feed_tail{});
}

TEST_CASE("a dialogue has its two users, whoever begins", "[store]") {
  shard_store store;
  auto room = dialogue_of("zoe", "ann");
  CHECK(room == "dm:ann:zoe");
  CHECK(users_of_dialogue(room) == std::pair<user_id, user_id>{"ann", "zoe"});
  auto made = [&](const user_id& user, const user_id& other) {
    return std::get<made_dialogue>(read_dialogue(store.run(call_dialogue_create(room, user, other))));
  };
  auto first = made("zoe", "ann");
  CHECK(first.room.members == 2);
  CHECK_FALSE((first.user_was_member || first.other_was_member));
  auto second = made("ann", "zoe");
  CHECK(second.room.members == 2);
  CHECK((second.user_was_member && second.other_was_member));
  CHECK(store.run(call_room_leave(room, "zoe")).to_string() == "OK");
  auto third = made("ann", "zoe");
  CHECK((third.user_was_member && !third.other_was_member));
  CHECK(store.refusal(call_room_join(room, "eve", 10, true)) == errc::no_such_room);
}

TEST_CASE("a channel's feed is the one whose channel it is", "[store]") {
  for (const feed_name& feed : {feed_name{tail_kind::room, "dm:ann:zoe"},
                                {tail_kind::user_rooms, "ann"},
                                {tail_kind::presence, "ann"},
                                {tail_kind::room, "user:x"}})
    CHECK(feed_of(channel_of(feed)) == feed);
}

TEST_CASE("what a user's tokens are refused up to is told with the list of rooms and moves it", "[store]") {
  shard_store store;
  auto list = [&] { return std::get<user_rooms>(read_user_rooms(store.run(call_user_rooms("ann")))); };
  auto before = list();
  CHECK(before.revoked_s == 0);
  auto revoked = std::get<revoked_tokens>(read_revoked(store.run(call_user_revoke("ann"))));
  CHECK(revoked.until_s == store.now / 1000);
  CHECK(revoked.nodes_told == 1);
  CHECK(store.published.back() == std::pair<std::string, std::string>{"user:ann", "e 1700000000"});
  CHECK(list().revoked_s == revoked.until_s);
  CHECK(list().version > before.version);
  // A clock that goes back does not let them in again.
  store.now -= 60'000;
  CHECK(std::get<revoked_tokens>(read_revoked(store.run(call_user_revoke("ann")))).until_s == revoked.until_s);

  identity who{"ann", {}, std::chrono::system_clock::now(), revoked.until_s};
  CHECK(is_revoked(who, revoked.until_s));
  CHECK_FALSE(is_revoked(who, 0));
  who.issued_s = revoked.until_s + 1;
  CHECK_FALSE(is_revoked(who, revoked.until_s));
  who.issued_s.reset();
  CHECK(is_revoked(who, revoked.until_s));
  CHECK_FALSE(is_revoked({"ann", {}, {}}, revoked.until_s)); // there is no token
}

TEST_CASE("the system speaks and rules in any room and is a member of none", "[store]") {
  shard_store store;
  const user_id system{system_user};
  auto made = store.room(call_room_create({"tea", "", room_kind::private_room, {"ann", "bob"}}, system));
  CHECK(made.members == 2);
  CHECK(made.role == room_role::none);
  CHECK(store.append("tea", system).at.seq == 1);
  CHECK(store.range({"tea", {}, {}, 10}).entries.at(0).from == system);
  auto refused = [&](const room_id& room, const user_id& from) {
    auto outcome = read_appended(store.run(call_append({room, {}, {}, "\"text\":\"x\""}, from, {}, 100, 1000)));
    auto* why = std::get_if<client_error>(&outcome);
    return why ? why->code : errc::none;
  };
  CHECK(refused("none", system) == errc::no_such_room);
  CHECK(refused("tea", "cid") == errc::no_such_room);
  CHECK(store.room(call_room_info("tea", system)).members == 2);
  CHECK(std::get<member_page>(read_members(store.run(call_room_members({"tea", {}, 10}, system)), 10)).members.size() ==
        2);

  auto owner = read_added(store.run(call_room_add({"tea", "ann", room_role::owner}, system, 10)));
  CHECK(std::holds_alternative<std::optional<seq_number>>(owner));
  CHECK(store.room(call_room_info("tea", "ann")).role == room_role::owner);
  // Only the system leaves a room without an owner.
  auto by_ann = read_done(store.run(call_room_remove({"tea", "ann"}, "ann")));
  CHECK(std::get<client_error>(by_ann).code == errc::conflict);
  CHECK(std::holds_alternative<std::monostate>(read_done(store.run(call_room_remove({"tea", "ann"}, system)))));

  auto room = dialogue_of(system, "ann");
  CHECK(users_of_dialogue(room) == std::pair<user_id, user_id>{system, "ann"});
  auto dialogue = std::get<made_dialogue>(read_dialogue(store.run(call_dialogue_create(room, system, "ann"))));
  CHECK(dialogue.room.members == 1);
  CHECK_FALSE(dialogue.other_was_member);
  CHECK(store.append(room, system).at.seq == 1);
  CHECK(store.append(room, "ann").at.seq == 2);
}

TEST_CASE("what is told to a user's sessions is read as it was written", "[store]") {
  auto kick = read_bus(write_kick({"a/7", "please be kind"}));
  REQUIRE(kick);
  CHECK(std::get<sessions_kicked>(*kick).session == "a/7");
  CHECK(std::get<sessions_kicked>(*kick).reason == "please be kind");
  auto revoked = read_bus("e 1700000000");
  REQUIRE(revoked);
  CHECK(std::get<tokens_revoked>(*revoked).until_s == 1'700'000'000);
  CHECK_FALSE(read_bus("e soon"));
}
