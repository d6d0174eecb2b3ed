#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/supervisor.hpp"

namespace starling::cli {

/// A local cluster, as `starling up` is asked for it.
struct up_options {
  unsigned nodes = 2;
  unsigned shards = 3;
  std::uint16_t port = 8080; // of the first node; the others take those after it
  std::uint16_t master_port = 7400;
  std::uint16_t redis_port = 7001; // of the first Redis instance; the others take those after it
  std::uint16_t api_port = 7480;   // of the first node's server API; the others take those after it
  bool api = false;                // is there a key in the environment? Else there is no server API
  std::filesystem::path data = ".starling";
  bool memory = false;                // no Redis: shards live in the one node
  std::vector<std::string> overrides; // "section.option=value", for every node
};

/// A process of the cluster and where it listens on 127.0.0.1.
struct listening {
  std::string name;
  unsigned port;      // may be beyond 65535: `port_trouble` says so
  const char* option; // which option moves it
};
std::vector<listening> who_listens(const up_options& options);

/// One line about the first port that cannot be had; empty: all are free.
std::string port_trouble(const std::vector<listening>& wanted);

/// Writes what the processes read and answers how to start them: Redis, then the master, then the nodes. `options.data`
/// is absolute. Throws `std::runtime_error` if a file cannot be written, or an override is wrong.
std::vector<stage> plan_cluster(const up_options& options, const std::string& executable);

} // namespace starling::cli
