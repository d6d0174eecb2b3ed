#pragma once

#include <functional>

namespace CLI {
class App;
}

/// The commands of the executable. Each is one file of this folder, which registers the command with its options; when
/// the command line names it, it puts what is to be done into `chosen`. `chosen` returns the exit code.
namespace starling::cli {

inline constexpr int exit_ok = 0;
inline constexpr int exit_failed = 1; // it was tried and went wrong
inline constexpr int exit_usage = 2;  // the command line or the configuration is wrong; nothing was tried
// Of "console check", whose 1 and 2 are findings, as monitoring systems have it: nothing could be looked at.
inline constexpr int exit_unknown = 3;

void add_master_command(CLI::App& app, std::function<int()>& chosen);
void add_node_command(CLI::App& app, std::function<int()>& chosen);
void add_up_command(CLI::App& app, std::function<int()>& chosen);
void add_token_command(CLI::App& app, std::function<int()>& chosen);
void add_console_command(CLI::App& app, std::function<int()>& chosen);
void add_bench_command(CLI::App& app, std::function<int()>& chosen);

} // namespace starling::cli
