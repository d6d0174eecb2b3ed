#include "actors/node_status.hpp"

#include <fmt/format.h>

#include "chat/json_text.hpp"

namespace starling {
namespace {

std::string_view name_of(shard_state_kind state) {
  switch (state) {
  case shard_state_kind::up:
    return "up";
  case shard_state_kind::deaf:
    return "deaf";
  case shard_state_kind::down:
    return "down";
  case shard_state_kind::foreign:
    return "foreign";
  default:
    return "connecting";
  }
}

} // namespace

void node_status::set_table(const slot_table& table) {
  std::lock_guard lock(mutex_);
  epoch_ = table.epoch();
  digest_ = table.digest();
  std::map<std::string, shard_report> now;
  for (auto& shard : table.shards()) {
    auto known = shards_.find(shard.name);
    if (known != shards_.end())
      now[shard.name] = known->second;
    else
      now[shard.name] = {shard.name, shard.address, shard_state_kind::connecting, {}};
  }
  shards_ = std::move(now);
}

void node_status::set_shard(const shard_report& report) {
  std::lock_guard lock(mutex_);
  if (auto i = shards_.find(report.name); i != shards_.end()) i->second = report;
}

void node_status::set_nodes(const nodes_changed& what) {
  std::lock_guard lock(mutex_);
  nodes_ = what;
}

void node_status::set_draining() {
  std::lock_guard lock(mutex_);
  draining_ = true;
}

std::uint64_t node_status::epoch() const {
  std::lock_guard lock(mutex_);
  return epoch_;
}

std::pair<int, std::string> node_status::readyz() const {
  std::lock_guard lock(mutex_);
  json_array missing;
  bool ready = true;
  auto lacks = [&](std::string what) {
    missing.add(what);
    ready = false;
  };
  if (epoch_ == 0) lacks("slot table: no master has answered yet");
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
                  .add("epoch", epoch_)
                  .add("digest", fmt::format("{:016x}", digest_))
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
