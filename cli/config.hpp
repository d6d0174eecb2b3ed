#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "chat/settings.hpp"

namespace starling::cli {

/// Everything that is wrong with a configuration, a line each, in the order of the file: "node.toml:12:
/// limits.outbox_bytes: expected ..., found ...".
struct load_error {
  std::vector<std::string> lines;
};

/// Reads the settings: the defaults, then the TOML file if there is one, then the overrides ("section.option=value").
///
/// The options are those of chat/settings_fields.hpp. A relative file name, defaults included, is relative to the
/// folder of the configuration file; one that comes from an override, or without a configuration file, to the working
/// directory.
std::variant<node_settings, load_error> load_node_settings(const std::optional<std::filesystem::path>& file,
                                                           const std::vector<std::string>& overrides);
std::variant<master_settings, load_error> load_master_settings(const std::optional<std::filesystem::path>& file,
                                                               const std::vector<std::string>& overrides);
/// Reads what processes of a cluster share, from the file of any of them: all but its section [cluster] is left alone.
std::variant<cluster_settings, load_error> load_cluster_settings(const std::optional<std::filesystem::path>& file,
                                                                 const std::vector<std::string>& overrides);

} // namespace starling::cli
