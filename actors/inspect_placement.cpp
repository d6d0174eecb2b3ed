#include "actors/inspect_placement.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "chat/json_text.hpp"
#include "chat/slot_change.hpp"
#include "chat/slot_rank.hpp"
#include "chat/store_look.hpp"

namespace starling {
namespace {

using nlohmann::json;

/// What is asked by the arguments.
struct place_query {
  bool room = false;
  std::string id;
  std::uint64_t epoch = 0; // 0: the one that is applied
  shard_changes changes;

  std::string key() const { return room ? room_key(id) : user_key(id); }
};

bool read_weights(const json& from, std::vector<std::pair<std::string, std::uint32_t>>& into) {
  if (!from.is_object()) return false;
  for (auto& [name, weight] : from.items()) {
    if (!weight.is_number_unsigned() || weight.get<std::uint64_t>() > weight_max) return false;
    into.emplace_back(name, weight.get<std::uint32_t>());
  }
  return true;
}

bool read_names(const json& from, std::vector<std::string>& into) {
  if (!from.is_array()) return false;
  for (auto& name : from) {
    if (!name.is_string()) return false;
    into.push_back(name.get<std::string>());
  }
  return true;
}

bool read_argument(const std::string& name, const json& value, place_query& into) {
  if (name == "without") return read_names(value, into.changes.without);
  if (name == "with") return read_weights(value, into.changes.with);
  if (name == "weight") return read_weights(value, into.changes.weight);
  if (name == "epoch") {
    if (value.is_number_unsigned()) into.epoch = value.get<std::uint64_t>();
    return value.is_number_unsigned();
  }
  if ((name != "room" && name != "user") || !value.is_string() || !into.id.empty()) return false;
  into.room = name == "room";
  into.id = value.get<std::string>();
  return !into.id.empty();
}

std::optional<place_query> read_query(const json& arguments) {
  place_query result;
  for (auto& [name, value] : arguments.items())
    if (!read_argument(name, value, result)) return std::nullopt;
  if (result.id.empty()) return std::nullopt;
  return result;
}

json ranking_of(const slot_table& table, slot_number slot) {
  struct bid {
    std::int64_t price;
    std::size_t shard;
  };
  std::vector<bid> bids;
  for (std::size_t i = 0; i < table.shards().size(); ++i)
    bids.push_back({slot_price(slot, rank_seed(table.shards()[i].name), table.shards()[i].weight), i});
  std::sort(bids.begin(), bids.end(),
            [](const bid& a, const bid& b) { return std::pair(a.price, a.shard) < std::pair(b.price, b.shard); });
  auto holder = table.shard_index_of(slot);
  auto result = json::array();
  for (auto& one : bids) {
    auto& shard = table.shards()[one.shard];
    result.push_back(
        {{"shard", shard.name}, {"weight", shard.weight}, {"price", one.price}, {"holds", one.shard == holder}});
  }
  return result;
}

std::size_t actors_here(std::string_view kind, const std::string& name) {
  std::size_t result = 0;
  actor_directory::instance().for_each(
      [&](const actor_record& actor) { result += kind == actor.kind && name == actor.name; });
  return result;
}

json place_of(const place_query& what, const slot_table& table) {
  auto slot = slot_of(what.key());
  auto& shard = table.shards()[table.shard_index_of(slot)];
  return {{"epoch", table.epoch()},
          {"digest", fmt::format("{:016x}", table.digest())},
          {"key", what.key()},
          {"slot", slot},
          {"shard", shard.name},
          {"address", without_password(shard.address)},
          {"ranking", ranking_of(table, slot)},
          {"here", actors_here(what.room ? "room" : "session", what.id)}};
}

json place_in(const slot_table& then, const slot_table& now, slot_number slot) {
  return {{"shard", then.shards()[then.shard_index_of(slot)].name},
          {"moved_slots", moved_slots(now, then)},
          {"ranking", ranking_of(then, slot)}};
}

std::string text_of(const redis_value& answer, const client_error& why) {
  if (auto* error = answer.if_error()) return error->text;
  return why.text.empty() ? "the shard's answer is not understood" : why.text;
}

void add_room(json& into, const redis_value& answer) {
  if (answer.to_string() == "ABSENT") {
    into["log"] = {{"error", "there is no such room"}};
    return;
  }
  auto found = read_room(answer);
  if (auto* why = std::get_if<client_error>(&found)) {
    into["log"] = {{"error", text_of(answer, *why)}};
    return;
  }
  auto& room = std::get<room_description>(found);
  into["log"] = {{"epoch", room.tail.epoch}, {"seq", room.tail.seq}};
  into["members"] = room.members;
  into["kind"] = name_of(room.kind);
}

void add_presence(json& into, const redis_value& answer) {
  auto found = read_presence(answer);
  auto* list = std::get_if<std::vector<user_presence>>(&found);
  if (list && list->size() == 1)
    into["online_on"] = list->front().nodes;
  else
    into["shard_error"] = text_of(answer, list ? client_error() : std::get<client_error>(found));
}

void add_rooms(json& into, const redis_value& answer) {
  auto found = read_user_rooms(answer);
  if (auto* rooms = std::get_if<user_rooms>(&found)) into["rooms"] = rooms->rooms.size();
}

void add_subscribed(json& into, const std::vector<feed_name>& feeds, const redis_value& answer) {
  auto found = read_subscribers(answer);
  auto* counts = std::get_if<std::vector<std::uint64_t>>(&found);
  if (!counts || counts->size() != feeds.size()) {
    into["subscribed"] = {{"error", text_of(answer, {})}};
    return;
  }
  for (std::size_t i = 0; i < feeds.size(); ++i)
    into["subscribed"][channel_of(feeds[i])] = (*counts)[i];
}

/// Asks the shard that holds it now what it has of it.
caf::result<console_answer> ask_holder(inspector_actor::pointer self, const shard_door_actor& door,
                                       const place_query& what, const slot_table& now, json begin) {
  auto shard = now.shards()[now.shard_index_of(slot_of(what.key()))].name;
  auto all = std::make_shared<gathered_answer>(self, std::move(begin));
  auto script = [&](script_call call, void (*add)(json&, const redis_value&)) {
    call.table_epoch = now.epoch();
    all->ask(door, {shard, std::move(call), {}}, [to = all.get(), add](redis_value& v) { add(to->result, v); });
  };
  std::vector<feed_name> feeds;
  if (what.room) {
    script(call_room_look(what.id), add_room);
    feeds = {{tail_kind::room, what.id}};
  } else {
    script(call_presence_get({what.id}, now.epoch()), add_presence);
    script(call_user_rooms(what.id), add_rooms);
    feeds = {{tail_kind::user_rooms, what.id}, {tail_kind::presence, what.id}};
  }
  all->ask(door, {shard, {}, subscribers_command(feeds)},
           [to = all.get(), feeds](redis_value& v) { add_subscribed(to->result, feeds, v); });
  return all->give();
}

} // namespace

inspector_command where_command(tables_source tables, shard_door_actor door) {
  return {false, [=](inspector_actor::pointer self, const json& arguments) -> caf::result<console_answer> {
            auto what = read_query(arguments);
            if (!what)
              return bad_arguments(
                  R"(say of what: {"room": id} or {"user": id}; and "epoch", "without", "with", "weight")");
            auto all = tables();
            auto found = find_table(all, what->epoch);
            if (auto* why = std::get_if<std::string>(&found)) return bad_arguments(std::move(*why));
            auto& table = *std::get<table_ptr>(found);
            auto result = place_of(*what, table);
            if (!what->changes.none()) {
              auto then = changed_table(table, what->changes);
              if (auto* why = std::get_if<std::string>(&then)) return bad_arguments(std::move(*why));
              result["would"] = place_in(std::get<slot_table>(then), table, slot_of(what->key()));
            }
            if (!door) return answer_with(result);
            return ask_holder(self, door, *what, *all.front(), std::move(result));
          }};
}

} // namespace starling
