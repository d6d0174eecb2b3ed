#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "actors/actor_rates.hpp"
#include "actors/directory.hpp"

namespace starling {

/// An actor as the directory has it at one moment.
struct actor_row {
  std::uint64_t id = 0, parent = 0;
  const char* kind = "";
  std::string name;
  std::int64_t started_ms = 0; // unix
  std::uint64_t received = 0, handled = 0, waiting = 0, oldest_ms = 0, busy_ns = 0, longest_ns = 0, handling_ns = 0;
  message_type handling = 0; // 0: it is idle
  std::uint32_t errors = 0, last_error_ago_ms = 0;
  const char* last_error = nullptr;
  std::optional<actor_rate> rate;
  double rank = 0; // by what they are sorted
};

/// What is asked of the directory.
struct actor_query {
  static constexpr std::size_t limit_max = 1'000, after_max = 1'000'000;

  std::string kind, name; // empty: all; a name may end with *
  double (*rank)(const actor_row&) = nullptr;
  bool rates = false; // per second, since the sample before
  std::size_t limit = 50, after = 0;
};

/// From a command's arguments; or what is wrong with them.
std::variant<actor_query, std::string> read_actor_query(const nlohmann::json& arguments);

struct actor_page {
  std::vector<actor_row> rows; // the most first
  std::size_t matching = 0;    // on all pages
};
/// Keeps no more rows than are asked for: a node may have a quarter of a million actors. `rates` may be null.
actor_page select_actors(const actor_query& what, actor_rates* rates);

/// Without the name, which costs an allocation.
actor_row look_at(const actor_record& actor, std::int64_t now_ns);

nlohmann::json to_json(const actor_row& row);

} // namespace starling
