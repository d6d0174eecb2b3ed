#pragma once

#include <functional>
#include <string>
#include <variant>

#include "chat/settings.hpp"
#include "cli/config.hpp"

namespace starling::cli {

struct node_secrets {
  std::string cluster_token;
  std::string redis_password; // empty: none
  std::string token_key;      // of clients' tokens; only in mode "token"
  std::string api_key;        // of those who use the server API; empty: there is none
};

/// All that a node is told at its start.
struct node_configuration {
  node_settings settings;
  node_secrets secrets;
};

/// Reads it from where it stands; else tells what is wrong with the settings, or with a secret.
using node_configuration_reader = std::function<std::variant<node_configuration, load_error, std::string>()>;

/// Runs a node until SIGTERM or SIGINT, then drains it: clients are sent to other nodes within `timings::drain`. At
/// SIGHUP `read_again` is asked, and what can be changed is (`node_reload`). Called after `keep_signals`. Returns
/// the exit code.
int run_node(const node_configuration& configuration, node_configuration_reader read_again);

} // namespace starling::cli
