#pragma once

#include <map>
#include <set>
#include <string>

#include "cluster_world.hpp"

namespace cluster_test {

/// What must hold of a cluster after every step, and what when it has come to rest.
class rules {
public:
  explicit rules(const world& of) : world_(of) {}

  /// A master that starts without its latest file has forgotten: who was dead, and how high epochs were. Then two
  /// tables may have one epoch until the nodes have joined again; never in the same node.
  void master_forgot();
  /// The configured shards are others than before.
  void shards_changed() { ++moves_allowed_; }
  /// Nobody may lose clients from now on.
  void nobody_fails() { calm_ = true; }
  void node_ended(const node_process& one) { known_.erase(&one); }

  /// Says what is not as it must be; empty if all is.
  std::string broken();
  /// The same when all faults have ended some time ago.
  std::string unsettled() const;

private:
  struct known_node {
    table_ptr table;
    std::uint64_t incarnation = 0;
    std::size_t deaths = 0; // new incarnations of this process
  };
  using life = std::pair<std::string, std::uint64_t>; // name and incarnation

  std::string broken_in(const node_process& one);
  std::string broken_by(const table_ptr& fresh);
  std::string broken_in_view(const node_process& one) const;
  std::string broken_in_master();

  const world& world_;
  bool calm_ = false, forgot_ = false;
  std::size_t moves_allowed_ = 0;        // one for each time that the shards were changed
  std::uint64_t epoch_ = 0, digest_ = 0; // as the master told last
  std::set<life> alive_, gone_;          // in its view; once in its view and not any more
  std::set<life> served_;                // that processes have gone by
  std::map<const node_process*, known_node> known_;
  std::vector<table_ptr> tables_; // all that were ever applied, each once
};

} // namespace cluster_test
