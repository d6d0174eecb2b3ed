#pragma once

#include <string>
#include <vector>

#include "cli/console/cluster.hpp"

namespace starling::cli {

/// Something on which a process and the others do not agree.
struct disagreement {
  std::string process;
  std::string what; // a sentence, without its subject
};

/// Holds what all processes have answered to "process" against each other: slot tables, versions, incarnations, and
/// whom the master knows.
std::vector<disagreement> find_disagreements(const std::vector<process_answer>& answers);

} // namespace starling::cli
