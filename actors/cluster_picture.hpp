#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "chat/node_registry.hpp"

namespace starling {

/// A node, as the master sees it.
struct seen_node {
  node_entry node;
  node_registry::time_point heard{}; // its last beat; {}: it has not come to this master yet
  std::uint64_t epoch = 0;           // of the table that it has
  std::uint64_t digest = 0;
};

/// What the master knows of its nodes, for consoles: written by the master, read from any thread.
class cluster_picture {
public:
  struct content {
    std::uint64_t epoch = 0; // of the table that was told; 0: none yet
    std::uint64_t digest = 0;
    std::map<std::string, seen_node> nodes;
  };

  /// What is known of those that stay is kept.
  void set(const std::vector<node_entry>& nodes, std::uint64_t epoch, std::uint64_t digest) {
    std::lock_guard lock(mutex_);
    auto before = std::exchange(now_, {epoch, digest, {}});
    for (auto& node : nodes) {
      auto known = before.nodes.find(node.name);
      if (known != before.nodes.end() && known->second.node == node)
        now_.nodes.insert(before.nodes.extract(known));
      else
        now_.nodes[node.name] = {node};
    }
  }
  void heard(const std::string& name, std::uint64_t epoch, std::uint64_t digest, node_registry::time_point when) {
    std::lock_guard lock(mutex_);
    auto known = now_.nodes.find(name);
    if (known == now_.nodes.end()) return;
    known->second.heard = when;
    known->second.epoch = epoch;
    known->second.digest = digest;
  }
  content get() const {
    std::lock_guard lock(mutex_);
    return now_;
  }

private:
  mutable std::mutex mutex_;
  content now_;
};

} // namespace starling
