#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cli/config.hpp"

namespace CLI {
class App;
class Option;
} // namespace CLI

/// Options that several commands have, and how they complain.
namespace starling::cli {

/// --config FILE and --set SECTION.OPTION=VALUE.
struct config_options {
  std::optional<std::filesystem::path> file;
  std::vector<std::string> overrides;
};

/// Adds both to a command. `options` must live as long as the command.
void add_config_options(CLI::App& command, config_options& options);

/// Adds an option whose value is a duration with its unit ("1h").
CLI::Option* add_duration_option(CLI::App& command, const std::string& name, std::chrono::milliseconds& value,
                                 const std::string& description);

/// The exit code when what was typed is wrong: of the command that it came to.
int usage_status(const CLI::App& typed);
/// Prints what is wrong to stderr, a line each after the program's name, and returns the exit code for wrong usage.
int complain(const load_error& error);
/// The same for something that went wrong; returns the exit code for failure.
int fail(const std::string& why);

} // namespace starling::cli
