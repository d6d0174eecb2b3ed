#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "actors/inspection.hpp"
#include "chat/address.hpp"
#include "chat/settings.hpp"

namespace starling::cli {

struct console_identity {
  std::string cluster;
  std::string token;
  std::string operator_name; // user@machine
  bool admin = false;
  cluster_tls_settings tls = {};
};

/// What one process has answered, or why not.
struct process_answer {
  inspected_process from;
  nlohmann::json result; // an object; null: see error
  std::string error;
};

/// A console's view of a cluster, an `inspector_hub`, for one thread that waits. Every `ask` ends within a second,
/// whatever processes are frozen or gone.
class console_cluster {
public:
  explicit console_cluster(console_identity who);
  ~console_cluster();

  /// Connects to the master, or with `is_master` false to one node's inspector, for when the master is away; and then
  /// to all nodes that it names. Returns what is wrong with that one, in a line; a node that cannot be reached says so
  /// in every answer.
  std::optional<std::string> join(const host_port& first, bool is_master);

  /// Arguments for some, by their names, in place of those for all.
  using own_arguments = std::map<std::string, nlohmann::json>;
  /// Asks all processes, or those of one role, or the one of a name, side by side. The master first, then nodes by
  /// name. Processes that have come, or come back, since `join` are asked as well.
  std::vector<process_answer> ask(const std::string& command,
                                  const nlohmann::json& arguments = nlohmann::json::object(),
                                  std::string_view role = {}, std::string_view process = {},
                                  const own_arguments& own = {});

  /// Who is at the console, as processes are told.
  const std::string& operator_name() const;

private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

} // namespace starling::cli
