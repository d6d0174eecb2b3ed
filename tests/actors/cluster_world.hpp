#pragma once

#include <filesystem>
#include <list>
#include <memory>
#include <optional>

#include "cluster_processes.hpp"
#include "random_order.hpp"

namespace cluster_test {

/// A folder in memory, so that flushing to disk takes no time, where there is such a place.
class memory_folder {
public:
  memory_folder();
  memory_folder(const memory_folder&) = delete;
  ~memory_folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

private:
  std::filesystem::path path_;
};

/// A cluster: at most one master, some nodes, their files, the network and the time.
class world : public scene_test::stage {
public:
  world();
  ~world() override;

  std::size_t ready() const override;
  void run(std::size_t which) override;
  void pass(milliseconds time);

  /// Nothing if the master will not start; what it says is in `refused`.
  void start_master();
  void end_master(bool silently);
  /// A host keeps the node's table from one process to the next, and is where clients find it.
  node_process& start_node(const std::string& name, const std::string& host, std::uint64_t seed);
  bool runs(const std::string& name, const std::string& host) const;
  void end_node(node_process& one, bool silently);

  /// The time in ms, but never the same twice.
  std::uint64_t next_incarnation();

  memory_folder files;
  master_settings settings;
  network net;
  std::unique_ptr<master_process> master;
  std::list<node_process> nodes;
  std::uint64_t masters_started = 0;
  std::string refused; // why the last master did not start

private:
  static std::string url_of(const std::string& name, const std::string& host) { return "ws://" + host + "/" + name; }

  std::int64_t now_ms_ = 1'700'000'000'000;
  std::uint64_t last_incarnation_ = 0;
  shard_servers servers_{[this] { return now_ms_; }};
};

} // namespace cluster_test
