#pragma once

#include "cli/console/cluster.hpp"
#include "cli/console/commands.hpp"

namespace starling::cli {

/// Reads commands from the terminal, with a history and completion, or from whatever else stdin is; until its end or
/// "exit". Returns the exit code of the last command.
int run_console_shell(console_cluster& all);

} // namespace starling::cli
