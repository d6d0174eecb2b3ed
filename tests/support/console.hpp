#pragma once

#include <string>
#include <vector>

#include "tests/support/cluster.hpp"

namespace starling::test {

/// How `starling console` is called for a cluster.
std::vector<std::string> console_command(const cluster& c, const std::vector<std::string>& arguments);

/// Runs it to its end.
run_result console(const cluster& c, const std::vector<std::string>& arguments);

/// What it prints with --json: an entry for each process, with "result" or "error".
json console_answers(const cluster& c, std::vector<std::string> arguments);

/// The entry of one process; null if there is none.
json entry_of(const json& answers, const std::string& process);

} // namespace starling::test
