#include "actors/node_status.hpp"

#include <fmt/format.h>

#include "actors/describe.hpp"

namespace starling {

void node_status::set_table(table_ptr table) {
  std::lock_guard lock(mutex_);
  table_ = std::move(table);
  tables_.push_front(table_);
  if (tables_.size() > tables_kept) tables_.pop_back();
  std::map<std::string, shard_report> now;
  for (auto& shard : table_->shards()) {
    auto known = shards_.find(shard.name);
    if (known != shards_.end())
      now[shard.name] = known->second;
    else
      now[shard.name] = {shard.name, shard.address, shard_state_kind::connecting, {}};
  }
  shards_ = std::move(now);
  std::erase_if(since_, [&](auto& entry) { return !shards_.contains(entry.first); });
  for (auto& [name, shard] : shards_)
    since_.try_emplace(name, std::chrono::steady_clock::now());
}

void node_status::set_shard(const shard_report& report) {
  std::lock_guard lock(mutex_);
  auto i = shards_.find(report.name);
  if (i == shards_.end()) return;
  if (i->second.state != report.state) since_[report.name] = std::chrono::steady_clock::now();
  i->second = report;
}

void node_status::set_nodes(const nodes_changed& what) {
  std::lock_guard lock(mutex_);
  nodes_ = what;
  std::vector<inspected_process> processes;
  for (auto& node : nodes_.nodes)
    processes.push_back({"node", node.name, node.incarnation, node.inspect});
  processes_->set(std::move(processes));
}

void node_status::set_draining() {
  std::lock_guard lock(mutex_);
  draining_ = true;
}

std::uint64_t node_status::epoch() const {
  std::lock_guard lock(mutex_);
  return table_ ? table_->epoch() : 0;
}

table_ptr node_status::table() const {
  std::lock_guard lock(mutex_);
  return table_;
}

std::vector<table_ptr> node_status::tables() const {
  std::lock_guard lock(mutex_);
  return {tables_.begin(), tables_.end()};
}

std::map<std::string, shard_report> node_status::shards() const {
  std::lock_guard lock(mutex_);
  return shards_;
}

std::map<std::string, std::chrono::steady_clock::time_point> node_status::shards_since() const {
  std::lock_guard lock(mutex_);
  return since_;
}

std::string_view node_status::state() const {
  std::lock_guard lock(mutex_);
  if (draining_) return "draining";
  if (!table_) return "starting";
  return nodes_.master_reachable ? "joined" : "alone";
}

std::pair<int, std::string> node_status::readyz() const {
  std::lock_guard lock(mutex_);
  json_array missing;
  bool ready = true;
  auto lacks = [&](std::string what) {
    missing.add(what);
    ready = false;
  };
  if (!table_) lacks("slot table: no master has answered yet");
  if (draining_) lacks("this node is leaving");
  json_object shards;
  for (auto& [name, shard] : shards_) {
    shards.add(name, name_of(shard.state));
    if (shard.state != shard_state_kind::up)
      lacks("shard " + name + " (" + shard.address + "): " + (shard.detail.empty() ? "connecting" : shard.detail));
  }
  auto text = json_object()
                  .add("ready", ready)
                  .add_json("missing", missing.text())
                  .add("master_reachable", nodes_.master_reachable)
                  .add("epoch", table_ ? table_->epoch() : 0)
                  .add("digest", fmt::format("{:016x}", table_ ? table_->digest() : 0))
                  .add_json("shards", shards.text())
                  .text();
  return {ready ? 200 : 503, std::move(text)};
}

std::string node_status::nodes() const {
  std::lock_guard lock(mutex_);
  json_array list;
  for (auto& node : nodes_.nodes)
    list.add_json(json_object().add("name", node.name).add("url", node.url).text());
  return json_object().add_json("nodes", list.text()).text();
}

std::vector<std::string> node_status::other_urls(const std::string& own_name) const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> urls;
  for (auto& node : nodes_.nodes)
    if (node.name != own_name) urls.push_back(node.url);
  return urls;
}

} // namespace starling
