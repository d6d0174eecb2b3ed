#include "cli/options.hpp"

#include <cstdio>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "chat/units.hpp"
#include "cli/commands.hpp"

namespace starling::cli {

void add_config_options(CLI::App& command, config_options& options) {
  command
      .add_option_function<std::string>(
          "--config", [&options](const std::string& file) { options.file = file; }, "Read this configuration (TOML)")
      ->type_name("FILE");
  command.add_option("--set", options.overrides, "Override an option of the configuration; may be repeated")
      ->type_name("SECTION.OPTION=VALUE")
      ->allow_extra_args(false);
}

CLI::Option* add_duration_option(CLI::App& command, const std::string& name, std::chrono::milliseconds& value,
                                 const std::string& description) {
  return command
      .add_option_function<std::string>(
          name,
          [name, &value](const std::string& text) {
            const auto parsed = parse_duration(text);
            if (!parsed) {
              throw CLI::ValidationError(
                  name, fmt::format("expected a duration such as 500ms, 10s, 2m, 1h or 7d, found \"{}\"", text));
            }
            value = *parsed;
          },
          description)
      ->type_name("DURATION")
      ->default_str(format_duration(value));
}

int complain(const load_error& error) {
  for (const std::string& line : error.lines)
    fmt::print(stderr, "starling: {}\n", line);
  return exit_usage;
}

int usage_status(const CLI::App& typed) {
  auto chosen = typed.get_subcommands();
  if (chosen.empty()) return typed.get_name() == "check" ? exit_unknown : exit_usage;
  return usage_status(*chosen.back());
}

int fail(const std::string& why) {
  fmt::print(stderr, "starling: {}\n", why);
  return exit_failed;
}

} // namespace starling::cli
