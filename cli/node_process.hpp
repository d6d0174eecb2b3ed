#pragma once

#include <string>

#include "chat/settings.hpp"

namespace starling::cli {

struct node_secrets {
  std::string cluster_token;
  std::string redis_password; // empty: none
  std::string token_key;      // of clients' tokens; only in mode "token"
};

/// Runs a node until SIGTERM or SIGINT, then drains it: clients are sent to other nodes within `timings::drain`.
/// Returns the exit code.
int run_node(const node_settings& settings, node_secrets secrets);

} // namespace starling::cli
