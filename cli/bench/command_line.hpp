#pragma once

#include "cli/bench/options.hpp"

namespace CLI {
class App;
}

namespace starling::cli {

/// Describes the options of `starling bench`. `options` must live as long as the command.
void add_bench_options(CLI::App& command, bench_options& options);

} // namespace starling::cli
