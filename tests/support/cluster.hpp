#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/chat_client.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/fault_proxy.hpp"
#include "tests/support/private_network.hpp"
#include "tests/support/redis_process.hpp"

namespace starling::test {

/// What a test wants to stand.
struct cluster_plan {
  std::size_t shards = 3;
  std::vector<std::string> nodes = {"a", "b"};
  std::vector<std::string> set = {};                            // options of every node: "timings.ping=\"300ms\""
  std::map<std::string, std::vector<std::string>> set_for = {}; // of one node, beyond `set`; or of "master"
  std::string dead_after = "3s";                                // of a node's silence, for the master
  bool tls = false;                                             // between processes; see `tls_options`
  std::optional<fault_proxy_options> proxies = {};              // one before each Redis, for all nodes
  std::string redis_rules = {};    // nodes speak to Redis as the user "starling", who may this; see redis_options
  std::string redis_password = {}; // of that user; not in any file of the cluster
  std::map<std::string, std::vector<std::string>> under = {};       // of a process: the program that starts it, if any
  std::map<std::string, std::vector<std::string>> environment = {}; // of a process: "NAME=value"
  private_network* between =
      nullptr; // "master" and nodes in their namespaces, Redis and the clients outside; needs `tls`
};

/// Options of a process, to show the certificate that config/test-ca has made in `directory` for `name`. Those of a
/// cluster with `plan.tls` lie in its "tls", for "master" and "node".
std::vector<std::string> tls_options(const std::string& directory, const std::string& name);

/// A whole cluster in processes of its own on 127.0.0.1: Redis instances with append-only files, a master, nodes.
///
/// All are ended by the destructor, which also fails the test if one of them died by itself, did not end on SIGTERM, or
/// has a sanitizer's report in its log; and prints the logs' ends when the test fails.
class cluster {
public:
  /// Returns when all nodes are ready. Throws std::runtime_error with the logs if one is not within 30 s.
  explicit cluster(cluster_plan plan = {});
  ~cluster();
  cluster(const cluster&) = delete;
  cluster& operator=(const cluster&) = delete;

  child_process& master() { return *master_; }
  child_process& node(const std::string& name) { return *nodes_.at(name).process; }
  redis_process& redis(std::size_t shard) { return *shards_.at(shard); }
  /// What stands between the nodes and that Redis, with `plan.proxies`. `redis(shard).command` does not go through it.
  fault_proxy& proxy(std::size_t shard) { return *proxies_.at(shard); }
  std::size_t shards() const { return shards_.size(); }

  /// Starts one more node without waiting for it.
  void start_node(const std::string& name);
  void wait_ready(const std::string& name, std::chrono::seconds at_most = std::chrono::seconds(30));
  bool is_ready(const std::string& name) const;

  std::uint16_t port(const std::string& node) const { return nodes_.at(node).port; }
  /// What clients of other nodes are told of this one.
  std::string url(const std::string& node) const;
  /// Does `asked` tell clients of `other`?
  bool knows(const std::string& asked, const std::string& other) const;
  /// How to connect as `user`, in mode "open".
  dial as(const std::string& user, const std::string& node = "a") const;

  /// The shard that holds the log of `room`, found by looking into all.
  std::size_t shard_of(const std::string& room) const;
  /// A room's name, beginning with `prefix`, for each shard: rooms that were made for this by `maker`.
  std::vector<std::string> room_on_each_shard(chat_client& maker, const std::string& prefix) const;

  /// The content of the file in which the master keeps its state.
  std::string master_state() const { return read_file(directory_ / "master.json"); }
  const scratch_directory& directory() const { return directory_; }
  std::string log_of(const std::string& process) const { return read_file(directory_ / (process + ".log")); }

private:
  struct node_entry {
    std::uint16_t port;
    std::unique_ptr<child_process> process;
    std::unique_ptr<fault_proxy> door; // to a node in a namespace; `port` is then the door's
  };

  void write_configuration(std::uint16_t master_port) const;
  /// What nodes are told.
  std::string address_of(std::size_t shard) const;
  std::unique_ptr<child_process> start(const std::string& name, const std::vector<std::string>& arguments) const;
  void end(const std::string& name, child_process& process);
  std::string logs() const;

  cluster_plan plan_;
  scratch_directory directory_;
  std::vector<std::unique_ptr<redis_process>> shards_;
  std::vector<std::unique_ptr<fault_proxy>> proxies_;
  std::unique_ptr<child_process> master_;
  std::map<std::string, node_entry> nodes_;
};

} // namespace starling::test
