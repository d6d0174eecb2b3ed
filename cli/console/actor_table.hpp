#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/console/cluster.hpp"
#include "cli/console/table.hpp"

namespace CLI {
class App;
}

namespace starling::cli {

/// By what actors can be sorted, as the inspectors know it.
const std::vector<std::string>& actor_sortings();

/// Adds --kind, --name and --sort, which fill in the arguments of `actors`.
void add_actor_filters(CLI::App& command, const std::shared_ptr<nlohmann::json>& arguments);

/// The actors of all processes in one order, the most first: as each process has sorted its own by the same.
struct listed_actor {
  std::string process;
  nlohmann::json row;
};
std::vector<listed_actor> merge_actors(const std::vector<process_answer>& answers, const std::string& sort);

/// A table of actors, absolute or per second.
table actor_table(const std::vector<listed_actor>& actors, bool rates);

/// 0.25 -> "250 ms", 75 -> "75.0 s"
std::string duration_text(double ms);

} // namespace starling::cli
