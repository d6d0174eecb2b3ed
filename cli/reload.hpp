#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "chat/settings.hpp"
#include "cli/config.hpp"

/// Reading the configuration again while the process runs (SIGHUP): what any kind of process does then.
namespace starling::cli {

/// The options whose values differ, by their keys, in the order of chat/settings_fields.hpp. The shards of a master
/// count as one: "shard".
std::vector<std::string> changed_keys(const node_settings& before, const node_settings& after);
std::vector<std::string> changed_keys(const master_settings& before, const master_settings& after);

/// Logs why nothing is taken over.
void refuse_reload(const load_error& why);

/// The end of a reload that was not refused: logs by the levels of `now`, and names each option that has changed and is
/// neither a level nor among those that the caller has `applied`.
void finish_reload(const log_settings& now, const std::vector<std::string>& changed,
                   std::vector<std::string_view> applied = {});

} // namespace starling::cli
