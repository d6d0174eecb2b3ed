#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "cli/console/cluster.hpp"

/// What `check` looks for. Each check is a function of its own, in the list `all_checks`.
namespace starling::cli {

/// Also the exit code.
enum class severity : std::uint8_t { fine = 0, warning = 1, critical = 2 };

struct finding {
  severity how_bad;
  std::string process; // empty: of the cluster as a whole
  std::string what;    // a line, for people
  std::string see;     // the command of the console that shows more
};

/// What checks look at: each is asked for once, all processes side by side.
struct check_ground {
  std::vector<process_answer> processes; // "process"
  std::vector<process_answer> busy;      // "actors", those longest in a handler
  std::vector<process_answer> events;    // "events" of level "warn" or "error", not older than `recent`
  /// Asks "process" again, a moment later.
  std::function<std::vector<process_answer>()> look_again;
};

/// What has happened before is not news.
inline constexpr std::chrono::minutes recent{5};

using findings = std::vector<finding>;
using check = findings (*)(const check_ground&);

const std::vector<check>& all_checks();

} // namespace starling::cli
