#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace starling::cli {

/// A value that no option takes: what it is, for the message ("a date").
struct other_value {
  std::string what;
};

using plain_value = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>, other_value>;

/// One value as it was written, and where.
struct written_value {
  plain_value value;
  std::string where;            // "config/node.toml:12", or "--set"
  std::size_t line = 0;         // 0: from the command line
  std::filesystem::path folder; // what a relative file name in it is relative to
  std::string raw;              // from the command line: the text itself, for options that are text anyway
};

/// "config/node.toml:12: limits.ping: ...", "--set limits.ping: ...": how every complaint about a value begins.
std::string complaint(const std::string& where, std::string_view key, std::string_view what);

/// What was written, by key: "section.option", "shard[0].name". What comes later replaces what came before.
class config_source {
public:
  /// Reads a TOML file. What is wrong with it is added to `problems`.
  void read_file(const std::filesystem::path& file);
  /// Reads "section.option=value"; the value in TOML, or bare text.
  void read_override(const std::string& text);

  std::map<std::string, written_value> values;
  std::vector<std::string> problems; // with file and line
  std::string file;                  // as it was named; empty: there is none
};

} // namespace starling::cli
