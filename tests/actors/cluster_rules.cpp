#include "cluster_rules.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace cluster_test {
namespace {

std::string in_words(const std::pair<std::string, std::uint64_t>& life) {
  return fmt::format("{}#{}", life.first, life.second);
}

bool same_shards(const slot_table& a, const slot_table& b) {
  return std::equal(a.shards().begin(), a.shards().end(), b.shards().begin(), b.shards().end(),
                    [](auto& x, auto& y) { return x.name == y.name && x.weight == y.weight; });
}

} // namespace

void rules::master_forgot() {
  forgot_ = true;
  epoch_ = digest_ = 0;
  alive_.clear();
  gone_.clear();
}

std::string rules::broken() {
  for (auto& one : world_.nodes)
    if (auto why = broken_in(one); !why.empty()) return one.name() + ": " + why;
  return broken_in_master();
}

std::string rules::broken_in(const node_process& one) {
  auto& known = known_[&one];
  if (auto now = one.incarnation(); now != known.incarnation) {
    if (now < known.incarnation) return "its incarnation fell";
    if (known.incarnation != 0) ++known.deaths;
    known.incarnation = now;
    served_.emplace(one.name(), now);
  }
  if (one.evictions() < known.deaths) return "it was declared dead, and went on with the clients that it had";
  if (calm_ && one.evictions() > 0) return "it has lost its clients, though nothing was wrong with it";
  if (auto now = one.table(); now != known.table) {
    if (known.table && now->epoch() <= known.table->epoch())
      return fmt::format("the epoch of its table fell from {} to {}", known.table->epoch(), now->epoch());
    known.table = now;
    if (auto why = broken_by(now); !why.empty()) return why;
  }
  return broken_in_view(one);
}

std::string rules::broken_by(const table_ptr& fresh) {
  bool like_another = tables_.empty();
  for (auto& other : tables_) {
    if (other->digest() == fresh->digest()) return {};
    if (!forgot_ && other->epoch() == fresh->epoch())
      return fmt::format("it has another table of epoch {} than there was", fresh->epoch());
    if (same_shards(*other, *fresh) && moved_slots(*other, *fresh) == 0) like_another = true;
  }
  tables_.push_back(fresh);
  if (like_another || forgot_) return {};
  if (moves_allowed_ == 0)
    return fmt::format("slots moved at epoch {}, though the shards are the same", fresh->epoch());
  --moves_allowed_;
  return {};
}

std::string rules::broken_in_view(const node_process& one) const {
  std::set<std::string> names;
  for (auto& other : one.view()) {
    if (!names.insert(other.name).second) return "its view has two nodes with the name " + other.name;
    if (!served_.contains({other.name, other.incarnation}))
      return "its view has somebody who never was: " + in_words({other.name, other.incarnation});
  }
  return {};
}

std::string rules::broken_in_master() {
  if (!world_.master) return {};
  auto now = world_.master->picture();
  if (now.epoch == 0) return {}; // it has not begun
  if (now.epoch < epoch_) return fmt::format("the master's epoch fell from {} to {}", epoch_, now.epoch);
  if (now.epoch == epoch_ && epoch_ != 0 && now.digest != digest_)
    return fmt::format("the master's table changed, but not its epoch {}", epoch_);
  epoch_ = now.epoch;
  digest_ = now.digest;
  std::set<life> alive;
  for (auto& [name, seen] : now.nodes)
    alive.emplace(name, seen.node.incarnation);
  for (auto& one : alive) {
    if (gone_.contains(one)) return "the master has taken back " + in_words(one) + ", who had gone";
    if (!forgot_ && !served_.contains(one))
      return "the master let in " + in_words(one) + " before that node itself went on as such";
  }
  std::set_difference(alive_.begin(), alive_.end(), alive.begin(), alive.end(), std::inserter(gone_, gone_.end()));
  alive_ = std::move(alive);
  return {};
}

std::string rules::unsettled() const {
  if (!world_.master) return "there is no master";
  auto picture = world_.master->picture();
  std::set<life> living, view;
  std::set<std::string> names;
  for (auto& [name, seen] : picture.nodes)
    view.emplace(name, seen.node.incarnation);
  for (auto& one : world_.nodes) {
    names.insert(one.name());
    if (!view.contains({one.name(), one.incarnation()})) continue; // another has its name; or it lacks: see below
    living.emplace(one.name(), one.incarnation());
    std::set<life> its_view;
    for (auto& other : one.view())
      its_view.emplace(other.name, other.incarnation);
    if (its_view != view) return one.name() + " has not the master's view";
    if (!one.hears_master()) return one.name() + " is in the view, and does not know it";
    if (!one.table() || one.table()->digest() != picture.digest)
      return fmt::format("{} has a table of epoch {}, the master has epoch {}", one.name(),
                         one.table() ? one.table()->epoch() : 0, picture.epoch);
  }
  if (living.size() != names.size())
    return fmt::format("of {} names that have a node, {} are in the view", names.size(), living.size());
  if (living.empty()) return {}; // a master that hears nobody takes nobody for dead
  if (view != living) return "the master's view has nodes that are not";
  return {};
}

} // namespace cluster_test
