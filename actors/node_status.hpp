#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "actors/protocol.hpp"

namespace starling {

/// What a node knows of itself and its cluster, for whoever asks over HTTP: written by the node actor, read from any
/// thread.
class node_status {
public:
  void set_table(const slot_table& table);
  void set_shard(const shard_report& report);
  void set_nodes(const nodes_changed& what);
  void set_draining();

  /// Status 200 or 503, and JSON that says what is missing.
  std::pair<int, std::string> readyz() const;
  /// `{nodes: [{name, url}]}`: where clients may connect.
  std::string nodes() const;
  /// The addresses of the other nodes: where this one's clients go when it leaves.
  std::vector<std::string> other_urls(const std::string& own_name) const;
  std::uint64_t epoch() const;

private:
  mutable std::mutex mutex_;
  std::uint64_t epoch_ = 0;
  std::uint64_t digest_ = 0;
  std::map<std::string, shard_report> shards_;
  nodes_changed nodes_;
  bool draining_ = false;
};

} // namespace starling
