#include "actors/master.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "actors/describe.hpp"
#include "actors/proof.hpp"
#include "chat/address.hpp"

namespace starling {
namespace {

constexpr std::chrono::seconds settling_time{1}; // for nodes to bring the table, when there is no state file
constexpr std::size_t url_bytes_max = 2'048;

refusal bad_request(std::string text) { return {refusal_kind::bad_request, std::move(text), 0}; }

} // namespace

void master_state::start(master_start start) {
  options_ = std::move(start);
  registry_ = node_registry(options_.settings.cluster.dead_after, heartbeat());
  if (options_.before) {
    registry_.restore(options_.before->nodes, options_.before->dead, now());
    table_ = std::move(options_.before->table);
    table_text_ = table_.encode();
    wanted_ = std::move(options_.next);
    options_.before.reset();
    if (wanted_) save();
  } else {
    settling_ = true;
    self_->delayed_send(self_, settling_time, settled{});
  }
  show();
  self_->delayed_send(self_, heartbeat(), check_nodes{});
  log::info("master.started", "cluster={} incarnation={} epoch={} known_nodes={}", options_.settings.cluster.id,
            options_.incarnation, table_.epoch(), registry_.size());
}

caf::result<challenge> master_state::greet(const hello& what) {
  if (auto no = other_release(what.version, what.schema, what.cluster, options_.settings.cluster.id))
    return make_error(std::move(*no));
  return challenge{challenges_.issue(now()), options_.incarnation};
}

std::optional<refusal> master_state::fault_of(const join& what) {
  if (!challenges_.take(what.nonce, now()))
    return refusal{refusal_kind::no_challenge, "the challenge is not known, or no more: begin with hello", 0};
  // What comes before the proof was right is a stranger's: nothing else of it is looked at.
  if (!is_proof(what.proof, options_.token, join_parts(what.nonce, what.node)))
    return refusal{refusal_kind::wrong_token, "the node's cluster token is not the master's (cluster.token_file)", 0};
  if (!is_name(what.node.name)) return bad_request("a node's name is 1 to 64 of A-Z a-z 0-9 . _ -");
  if (what.node.incarnation == 0) return bad_request("incarnations begin with 1");
  if (what.node.inspect.size() > url_bytes_max)
    return bad_request("the address of the node's inspector is longer than 2048 bytes");
  if (what.node.url.size() > url_bytes_max) return bad_request("the node's URL is longer than 2048 bytes");
  if (!what.member || caf::actor_cast<caf::strong_actor_ptr>(what.member) != self_->current_sender())
    return bad_request("the member is not the sender");
  return std::nullopt;
}

caf::result<joined> master_state::admit(join& what) {
  auto fault = fault_of(what);
  if (!fault && settling_ && waiting_.size() >= node_registry::nodes_max)
    fault = refusal{refusal_kind::full, "too many nodes at once: try again", 0};
  if (fault) {
    log::warn("master.refused", "node={} reason=\"{}\"",
              fault->kind == refusal_kind::wrong_token ? "?" : what.node.name, fault->text);
    return make_error(std::move(*fault));
  }
  if (settling_) {
    waiting_.push_back({std::move(what), self_->make_response_promise<joined>()});
    return waiting_.back().answer;
  }
  auto result = let_in(what);
  if (!result) return std::move(result.error());
  return std::move(*result);
}

/// The proof was right.
caf::expected<joined> master_state::let_in(const join& what) {
  check();
  const auto& node = what.node;
  auto result = registry_.join(node, now());
  refusal no;
  switch (result.outcome) {
  case node_registry::join_outcome::joined:
    break;
  case node_registry::join_outcome::name_taken:
    no = {refusal_kind::name_taken,
          "the name \"" + node.name + "\" is taken by a live node at " + result.existing->url +
              ": give each node its own name, or wait until that one is gone",
          0};
    break;
  case node_registry::join_outcome::dead:
    no = {refusal_kind::dead, "this incarnation was declared dead, for good", result.newest_dead};
    break;
  case node_registry::join_outcome::full:
    no = {refusal_kind::full, "the cluster has " + std::to_string(node_registry::nodes_max) + " nodes, the most it may",
          0};
    break;
  }
  if (no.kind != refusal_kind::none) {
    log::warn("master.refused", "node={} incarnation={} reason=\"{}\"", node.name, node.incarnation, no.text);
    return make_error(std::move(no));
  }
  if (result.existing) log::warn("node.replaced", "node={} incarnation={}", node.name, result.existing->incarnation);

  member who{what.member, 0, 0};
  if (!what.table.empty()) {
    auto brought = slot_table::decode(what.table);
    if (auto* table = std::get_if<slot_table>(&brought)) {
      who.epoch = table->epoch();
      who.digest = table->digest();
      learn(*table, node.name);
    } else {
      log::warn("node.bad_table", "node={} reason=\"{}\"", node.name, std::get<std::string>(brought));
    }
  }
  members_.insert_or_assign(node.name, who);
  save();
  tell_all(node.name);
  options_.picture->heard(node.name, who.epoch, who.digest, now());
  log::info("node.joined", "node={} incarnation={} url={} epoch={}", node.name, node.incarnation, node.url, who.epoch);
  return joined{make_proof(options_.token, joined_parts(what, options_.incarnation)), view_for(who)};
}

bool master_state::is_from(const std::string& name) const {
  auto i = members_.find(name);
  return i != members_.end() && caf::actor_cast<caf::strong_actor_ptr>(i->second.handle) == self_->current_sender();
}

caf::result<beat_answer> master_state::hear(const beat& what) {
  check();
  if (!is_from(what.name)) {
    return beat_answer{registry_.is_dead(what.name, what.incarnation) ? node_standing::dead : node_standing::unknown};
  }
  auto standing = registry_.beat(what.name, what.incarnation, now());
  // A table from beyond ours must be brought by joining again.
  if (standing == node_standing::alive && what.epoch > table_.epoch() && !wanted_) standing = node_standing::unknown;
  if (standing == node_standing::alive) {
    auto& who = members_[what.name];
    who.epoch = what.epoch;
    who.digest = what.digest;
    options_.picture->heard(what.name, who.epoch, who.digest, now());
    if (what.view_version != view_version_ || !knows_table(who)) self_->send(who.handle, view_for(who));
  }
  return beat_answer{standing};
}

caf::result<void> master_state::let_go(const leave& what) {
  if (is_from(what.name) && registry_.leave(what.name, what.incarnation)) {
    log::info("node.left", "node={} incarnation={}", what.name, what.incarnation);
    members_.erase(what.name);
    save();
    tell_all();
  }
  return {}; // whoever is not here has left
}

caf::result<found_inspector> master_state::show_inspector() {
  if (!options_.inspector) return make_error(refusal{refusal_kind::bad_request, "this master has no inspector", 0});
  return found_inspector{options_.inspector};
}

void master_state::check() {
  const bool deaf = registry_.hears_nobody(now());
  if (deaf && !deaf_) log::warn("master.hears_nobody", "nodes={}", registry_.size());
  if (!deaf && deaf_) log::info("master.hears_again", "nodes={}", registry_.size());
  deaf_ = deaf;
  auto gone = registry_.expire(now());
  if (gone.empty()) return;
  for (const auto& node : gone) {
    log::warn("node.dead", "node={} incarnation={} silent_for={}ms", node.name, node.incarnation,
              options_.settings.cluster.dead_after.count());
    members_.erase(node.name);
  }
  save();
  tell_all();
}

std::string master_state::describe() const {
  json_object it;
  it.add("epoch", table_.epoch())
      .add("digest", fmt::format("{:016x}", table_.digest()))
      .add("settling", settling_)
      .add("joins_waiting", waiting_.size())
      .add("table_not_saved", wanted_.has_value());
  add_list(it, "members", members_,
           [](const auto& one) { return json_object().add("node", one.first).add("epoch", one.second.epoch).text(); });
  return it.text();
}

master_self_actor::behavior_type master(master_self self, master_start start) {
  self->observe("master", start.settings.cluster.id);
  auto& state = self->state;
  state.start(std::move(start));
  return {
      [&state](const hello& what) { return state.greet(what); },
      [&state](join& what) { return state.admit(what); },
      [&state](const beat& what) { return state.hear(what); },
      [&state](const leave& what) { return state.let_go(what); },
      [&state](const find_inspector&) { return state.show_inspector(); },
      [&state](const settled&) { state.settle(); },
      [self](const check_nodes&) {
        self->delayed_send(self, self->state.heartbeat(), check_nodes{});
        self->state.check();
      },
      [&state](const save_again&) { state.save_again(); },
  };
}

} // namespace starling
