#include "actors/inspect_events.hpp"

#include <algorithm>
#include <array>
#include <variant>

#include <nlohmann/json.hpp>

#include "actors/events.hpp"

namespace starling {
namespace {

using nlohmann::json;

struct asked_events {
  event_query query;
  std::string level, name; // what `query` looks at
};

/// Fills in what was asked for; returns what is wrong with it.
std::string read_query(const json& arguments, asked_events& out) {
  constexpr std::uint64_t limit_max = 1'000;
  constexpr std::array<std::string_view, 5> levels{"trace", "debug", "info", "warn", "error"};
  for (auto& [key, value] : arguments.items()) {
    if (key == "level" || key == "name") {
      if (!value.is_string()) return key + " is a string";
      (key == "level" ? out.level : out.name) = value.get<std::string>();
    } else if (key == "after" || key == "limit" || key == "since") {
      if (!value.is_number_unsigned()) return key + " is a number";
      auto number = value.get<std::uint64_t>();
      if (key == "limit" && number > limit_max) return "limit is too large";
      if (key == "limit") out.query.limit = number;
      if (key == "since") out.query.since_ms = value.get<std::int64_t>();
      if (key == "after") {
        out.query.after = number;
        out.query.oldest_first = true;
      }
    } else {
      return "there is no argument " + key;
    }
  }
  if (!out.level.empty() && std::find(levels.begin(), levels.end(), out.level) == levels.end())
    return "there is no level " + out.level;
  out.query.level = out.level;
  out.query.name = out.name;
  return {};
}

} // namespace

inspector_command events_command() {
  return {false, [](inspector_actor::pointer, const json& arguments) -> caf::result<console_answer> {
            asked_events asked;
            if (auto why = read_query(arguments, asked); !why.empty()) return bad_arguments(std::move(why));
            auto [found, newest] = event_ring::instance().find(asked.query);
            auto list = json::array();
            for (auto& one : found)
              list.push_back({{"number", one.number},
                              {"at", one.unix_ms},
                              {"level", one.level},
                              {"event", one.name},
                              {"details", one.details}});
            json result{{"events", std::move(list)}, {"newest", newest}};
            return console_answer{result.dump(-1, ' ', false, json::error_handler_t::replace)};
          }};
}

} // namespace starling
