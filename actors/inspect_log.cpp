#include <algorithm>

#include <nlohmann/json.hpp>

#include "actors/inspect_admin.hpp"

namespace starling {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 6> level_names{"trace", "debug", "info", "warn", "error", "off"};
constexpr std::size_t components_max = 64; // as log.levels may have; beyond: refused
constexpr std::size_t component_bytes_max = 64;

std::string levels_of(const log_settings& settings) {
  return json{{"level", settings.level}, {"levels", settings.levels}}.dump(-1, ' ', false,
                                                                           json::error_handler_t::replace);
}

bool is_component(std::string_view text) {
  auto good = [](char c) { return c == '_' || (c >= 'a' && c <= 'z'); };
  return text.size() <= component_bytes_max && std::all_of(text.begin(), text.end(), good);
}

/// What is wrong, or nothing: then `settings` are what was asked for.
std::string apply(const json& arguments, log_settings& settings) {
  std::string level, component;
  for (auto& [key, value] : arguments.items()) {
    if (key == "dry_run") continue;
    if (key != "level" && key != "component") return "there is no argument " + key;
    if (!value.is_string()) return key + " is a string";
    (key == "level" ? level : component) = value.get<std::string>();
  }
  if (std::find(level_names.begin(), level_names.end(), level) == level_names.end())
    return "level is trace, debug, info, warn, error or off";
  if (!is_component(component)) return "component is what stands before the dot of an event";
  if (component.empty()) {
    settings.level = level;
    return {};
  }
  std::erase_if(settings.levels, [&](const std::string& entry) { return entry.starts_with(component + "="); });
  if (settings.levels.size() >= components_max) return "too many components have a level of their own";
  settings.levels.push_back(component + "=" + level);
  return {};
}

} // namespace

inspector_command log_level_command() {
  return {true, {}, [](inspector_actor::pointer, const json& arguments, const change_done& done) {
            auto settings = log::current();
            if (auto why = apply(arguments, settings); !why.empty())
              return done({{}, {}, refusal{refusal_kind::bad_request, std::move(why), 0}});
            if (!arguments.value("dry_run", false)) log::configure(settings);
            done({"level=" + settings.level, levels_of(settings), {}});
          }};
}

inspector_command log_levels_command() {
  return {false, [](inspector_actor::pointer, const json& arguments) -> caf::result<console_answer> {
            if (!arguments.empty()) return bad_arguments("this command takes none");
            return console_answer{levels_of(log::current())};
          }};
}

} // namespace starling
