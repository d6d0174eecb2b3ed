#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace starling::cli {

/// Adds `starling bench`: load on running nodes, and what came of it. If the command line names it, `chosen` is set to
/// the function that carries it out and returns the exit code: 0, 1 (something was lost or duplicated, or nobody could
/// connect), 2 (usage).
void add_bench_command(CLI::App& app, std::function<int()>& chosen);

} // namespace starling::cli
