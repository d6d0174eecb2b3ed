#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "actors/inspector.hpp"
#include "actors/protocol.hpp"

namespace starling {

/// What a node knows of itself and its cluster, for whoever asks over HTTP: written by the node actor, read from any
/// thread.
class node_status {
public:
  void set_table(table_ptr table);
  void set_shard(const shard_report& report);
  void set_nodes(const nodes_changed& what);
  void set_draining();
  void set_incarnation(std::uint64_t incarnation) { incarnation_ = incarnation; }
  /// The master has answered.
  void heard_master(std::chrono::steady_clock::time_point when) { master_heard_ = when; }

  /// Status 200 or 503, and JSON that says what is missing.
  std::pair<int, std::string> readyz() const;
  /// `{nodes: [{name, url}]}`: where clients may connect.
  std::string nodes() const;
  /// The addresses of the other nodes: where this one's clients go when it leaves.
  std::vector<std::string> other_urls(const std::string& own_name) const;
  std::uint64_t epoch() const;
  table_ptr table() const; // null: none yet
  /// The one that is applied, and those before it, the newest first: a few.
  std::vector<table_ptr> tables() const;
  std::map<std::string, shard_report> shards() const; // by name
  /// Since when each shard is as it is, by name.
  std::map<std::string, std::chrono::steady_clock::time_point> shards_since() const;
  std::uint64_t incarnation() const { return incarnation_; }
  /// {}: it never has.
  std::chrono::steady_clock::time_point master_heard() const { return master_heard_; }
  /// In one word: starting (no slot table yet), alone (the master is away), draining, joined.
  std::string_view state() const;
  const std::shared_ptr<known_processes>& processes() const { return processes_; }

private:
  mutable std::mutex mutex_;
  static constexpr std::size_t tables_kept = 4; // beyond: the oldest is forgotten

  std::deque<table_ptr> tables_; // the newest first
  table_ptr table_;
  std::map<std::string, shard_report> shards_;
  std::map<std::string, std::chrono::steady_clock::time_point> since_; // of their states
  nodes_changed nodes_;
  std::shared_ptr<known_processes> processes_ = std::make_shared<known_processes>(); // nodes_, for consoles
  bool draining_ = false;
  std::atomic<std::uint64_t> incarnation_ = 0;
  std::atomic<std::chrono::steady_clock::time_point> master_heard_{};
};

} // namespace starling
