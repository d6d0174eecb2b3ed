#include "chat/node_registry.hpp"

#include <algorithm>
#include <utility>

namespace starling {

/// The last beats of nodes that fall silent together may be two heartbeats apart, if one was lost. It is to be known
/// that all are silent before the first of them would be dead; where `dead_after` is less than four heartbeats it may
/// not be.
node_registry::node_registry(std::chrono::milliseconds dead_after, std::chrono::milliseconds heartbeat)
    : dead_after_(dead_after), deaf_after_(std::max(dead_after - 2 * heartbeat, 2 * heartbeat)) {}

void node_registry::restore(const std::vector<node_entry>& nodes, const std::vector<dead_entry>& dead, time_point now) {
  heard_ = now;
  for (const auto& entry : dead)
    bury(entry.name, entry.incarnation);
  for (const auto& entry : nodes) {
    if (nodes_.size() >= nodes_max) break;
    if (entry.incarnation > newest_dead(entry.name))
      nodes_.insert_or_assign(entry.name, living{entry, now, now, false});
  }
}

bool node_registry::hears_nobody(time_point now) const { return !nodes_.empty() && now - heard_ >= deaf_after_; }

/// If nobody was heard before, that now somebody is says that the others may be as well, when they have found their way
/// back: for that they have `dead_after` before it counts. But once: else whoever knocks now and then, and is not let
/// in, would keep the dead alive.
void node_registry::hear_somebody(time_point now) {
  if (hears_nobody(now))
    for (auto& [name, node] : nodes_)
      if (!std::exchange(node.excused, true)) node.heard = now + dead_after_;
  heard_ = now;
}

bool node_registry::may_replace(const living& old, const node_entry& newcomer, time_point now) const {
  if (newcomer.incarnation < old.entry.incarnation) return false;
  if (silent(old, now)) return true;
  return newcomer.url == old.entry.url && (!old.confirmed || now - old.joined >= dead_after_);
}

node_registry::join_result node_registry::join(const node_entry& node, time_point now) {
  hear_somebody(now);
  if (auto newest = newest_dead(node.name); node.incarnation <= newest)
    return {join_outcome::dead, newest, std::nullopt};
  auto i = nodes_.find(node.name);
  if (i == nodes_.end()) {
    if (nodes_.size() >= nodes_max) return {join_outcome::full, 0, std::nullopt};
    nodes_.emplace(node.name, living{node, now, now});
    return {};
  }
  auto& old = i->second;
  if (node.incarnation == old.entry.incarnation) {
    if (silent(old, now)) {
      bury(node.name, node.incarnation);
      nodes_.erase(i);
      return {join_outcome::dead, node.incarnation, std::nullopt};
    }
    old = {node, old.joined, now};
    return {};
  }
  if (!may_replace(old, node, now)) return {join_outcome::name_taken, 0, old.entry};
  join_result result{join_outcome::joined, 0, old.entry};
  bury(node.name, old.entry.incarnation);
  old = {node, now, now};
  return result;
}

node_standing node_registry::beat(const std::string& name, std::uint64_t incarnation, time_point now) {
  auto i = nodes_.find(name);
  if (i != nodes_.end() && i->second.entry.incarnation == incarnation) {
    hear_somebody(now);
    if (silent(i->second, now)) return node_standing::dead; // too late, even if nobody has looked yet
    i->second.heard = now;
    i->second.excused = false;
    return node_standing::alive;
  }
  return incarnation <= newest_dead(name) ? node_standing::dead : node_standing::unknown;
}

bool node_registry::leave(const std::string& name, std::uint64_t incarnation) {
  auto i = nodes_.find(name);
  if (i == nodes_.end() || i->second.entry.incarnation != incarnation) return false;
  bury(name, incarnation); // an earlier join of it may still be on its way, over another connection
  nodes_.erase(i);
  return true;
}

std::vector<node_entry> node_registry::expire(time_point now) {
  if (hears_nobody(now)) return {};
  std::vector<node_entry> result;
  for (auto i = nodes_.begin(); i != nodes_.end();) {
    if (!silent(i->second, now)) {
      ++i;
      continue;
    }
    bury(i->first, i->second.entry.incarnation);
    result.push_back(std::move(i->second.entry));
    i = nodes_.erase(i);
  }
  return result;
}

std::vector<node_entry> node_registry::nodes() const {
  std::vector<node_entry> result;
  for (const auto& [name, node] : nodes_)
    result.push_back(node.entry);
  return result;
}

std::vector<dead_entry> node_registry::dead() const {
  std::vector<std::pair<std::uint64_t, dead_entry>> ordered;
  for (const auto& [name, last] : dead_)
    ordered.push_back({last.order, {name, last.incarnation}});
  std::sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<dead_entry> result;
  for (auto& [order, entry] : ordered)
    result.push_back(std::move(entry));
  return result;
}

std::uint64_t node_registry::newest_dead(const std::string& name) const {
  auto i = dead_.find(name);
  return i == dead_.end() ? 0 : i->second.incarnation;
}

void node_registry::bury(const std::string& name, std::uint64_t incarnation) {
  dead_[name] = {std::max(incarnation, newest_dead(name)), ++deaths_};
  if (dead_.size() <= dead_max) return;
  dead_.erase(std::min_element(dead_.begin(), dead_.end(),
                               [](const auto& a, const auto& b) { return a.second.order < b.second.order; }));
}

} // namespace starling
