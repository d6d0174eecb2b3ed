#pragma once

#include <memory>

#include "actors/master.hpp"
#include "actors/node.hpp"
#include "cluster_network.hpp"
#include "net/memory_link.hpp"

/// The two kinds of process that a cluster has, made of the real actors.
namespace cluster_test {

/// Redis instances that the nodes share, by the shard's name.
struct shard_servers {
  explicit shard_servers(std::function<std::int64_t()> unix_ms) : clock(std::move(unix_ms)) {}
  std::function<std::int64_t()> clock;
  std::map<std::string, std::shared_ptr<net::memory_server>> by_name;
  std::shared_ptr<const net::script_set> scripts = std::make_shared<const net::script_set>(net::script_set::embedded());
};

class master_process : public process {
public:
  /// The settings must be good: see `prepare_master`.
  master_process(master_start start, network& net);
  ~master_process() override;

  cluster_picture::content picture() const { return picture_->get(); }

private:
  std::shared_ptr<cluster_picture> picture_;
  master_actor self_;
};

inline const std::string cluster_token = "a token for tests";

struct node_plan {
  cluster_settings cluster;
  node_entry entry;
  std::string table_file;
  std::uint64_t seed = 0;
  std::function<std::uint64_t()> next_incarnation;
};

/// A node with its membership, its router, its presence, and a Redis behind each shard.
class node_process : public process {
public:
  node_process(node_plan plan, network& net, shard_servers& servers);
  ~node_process() override;

  /// As at SIGTERM, when the clients have gone.
  void leave();
  bool leaving() const { return leaving_; }

  const std::string& name() const { return plan_.entry.name; }
  const std::string& url() const { return plan_.entry.url; }
  std::uint64_t incarnation() const { return status_->incarnation(); }
  table_ptr table() const { return status_->table(); }
  bool hears_master() const { return status_->state() == "joined"; }
  /// The view that the node has: names and incarnations, in the master's order.
  std::vector<inspected_process> view() const { return status_->processes()->get(); }
  /// How often all clients were closed.
  std::size_t evictions() const { return evictions_; }

private:
  node_plan plan_;
  std::shared_ptr<node_status> status_ = std::make_shared<node_status>();
  std::size_t evictions_ = 0;
  bool leaving_ = false;
  node_actor self_;
  membership_actor member_;
  caf::io::middleman_actor transport_;
};

} // namespace cluster_test
