#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "actors/actor_rows.hpp"
#include "actors/inspect_peek.hpp"

namespace starling {
namespace {

using nlohmann::json;

constexpr std::size_t shown_max = 100;

struct thresholds {
  std::uint64_t handler_ms = 100, age_ms = 1'000, errors_ms = 60'000;
};

std::string read(const json& arguments, thresholds& into) {
  for (auto& [key, value] : arguments.items()) {
    if (!value.is_number_unsigned()) return key + " is a number of milliseconds";
    if (key == "handler_ms")
      into.handler_ms = value.get<std::uint64_t>();
    else if (key == "age_ms")
      into.age_ms = value.get<std::uint64_t>();
    else if (key == "errors_ms")
      into.errors_ms = value.get<std::uint64_t>();
    else
      return "there is no argument " + key;
  }
  return {};
}

json finding(const char* what, const actor_row& row, std::uint64_t for_ms, std::string reason) {
  return {{"what", what},     {"id", row.id},     {"kind", row.kind},
          {"name", row.name}, {"for_ms", for_ms}, {"reason", std::move(reason)}};
}

/// What is wrong with one actor; nothing with nearly all.
void judge(const actor_row& row, const thresholds& when, json& into) {
  const auto handling_ms = row.handling_ns / 1'000'000;
  if (row.handling != 0 && handling_ms >= when.handler_ms)
    into.push_back(finding("handler", row, handling_ms,
                           fmt::format("in handler {} for {:.1f} s, {} waiting behind it", name_of(row.handling),
                                       static_cast<double>(handling_ms) / 1'000, row.waiting)));
  if (row.waiting > 0 && row.oldest_ms >= when.age_ms)
    into.push_back(finding("mailbox", row, row.oldest_ms,
                           fmt::format("the oldest of {} messages has waited for {:.1f} s", row.waiting,
                                       static_cast<double>(row.oldest_ms) / 1'000)));
  if (row.last_error && std::string_view(row.last_error) == "request_timeout" &&
      row.last_error_ago_ms <= when.errors_ms)
    into.push_back(finding("request", row, row.last_error_ago_ms,
                           fmt::format("an answer was not there by its deadline, {:.1f} s ago",
                                       static_cast<double>(row.last_error_ago_ms) / 1'000)));
}

} // namespace

inspector_command stuck_command(std::function<json()> shards) {
  return {false, [shards](inspector_actor::pointer, const json& arguments) -> caf::result<console_answer> {
            thresholds when;
            if (auto why = read(arguments, when); !why.empty()) return bad_arguments(std::move(why));
            auto found = shards ? shards() : json::array();
            bool more = false;
            const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
            actor_directory::instance().for_each([&](const actor_record& actor) {
              auto row = look_at(actor, now);
              if (row.handling == 0 && row.waiting == 0 && !row.last_error) return;
              if (found.size() >= shown_max) {
                more = true;
                return;
              }
              row.name = actor.name;
              judge(row, when, found);
            });
            std::stable_sort(found.begin(), found.end(),
                             [](const json& a, const json& b) { return a["for_ms"] > b["for_ms"]; });
            json result{{"stuck", std::move(found)}, {"more", more}};
            return answer_with(result);
          }};
}

} // namespace starling
