#include "actors/membership.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include "actors/describe.hpp"
#include "actors/node_status.hpp"
#include "actors/state_file.hpp"

/// What membership takes from the master and tells the node. How it finds the master: membership_link.cpp.
namespace starling {
namespace {

constexpr std::chrono::seconds leave_patience{1};
constexpr std::chrono::seconds close_patience{5}; // then the node is asked again

constexpr std::chrono::seconds keep_again_after{1};

/// Writes tables to their file, one after the other. On a thread of its own: disks may take their time. When there is
/// no space it tries the newest one again and again.
struct table_keeper {
  std::string file;
  table_ptr newest;
  bool failing = false;

  void keep(caf::event_based_actor* self) {
    if (auto fault = write_state_file(file, newest->encode())) {
      if (!std::exchange(failing, true))
        log::error("membership.table_not_kept", "epoch={} reason=\"{}\" again_every={}s", newest->epoch(), fault->text,
                   keep_again_after.count());
      self->delayed_send(self, keep_again_after, keep_again{});
    } else if (std::exchange(failing, false)) {
      log::info("membership.table_kept", "epoch={} file={}", newest->epoch(), file);
    }
  }
};

caf::behavior keep_table(caf::stateful_actor<table_keeper>* self, std::string file) {
  self->state.file = std::move(file);
  return {
      [self](const use_table& what) {
        self->state.newest = what.table;
        if (!self->state.failing) self->state.keep(self);
      },
      [self](const keep_again&) { self->state.keep(self); },
  };
}

} // namespace

std::uint64_t first_incarnation() {
  auto since = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

void membership_state::start(membership_options options) {
  options_ = std::move(options);
  random_.seed(options_.world.seed);
  heard_ = self_->clock().now();
  if (!options_.table_file.empty()) {
    read_table();
    auto& system = self_->system();
    keeper_ = options_.world.disk_thread ? system.spawn<caf::detached>(keep_table, options_.table_file)
                                         : system.spawn(keep_table, options_.table_file);
    self_->link_to(keeper_);
  }
  tell_nodes();
  attempt();
  self_->delayed_send(self_, options_.cluster.heartbeat, beat_now{});
}

void membership_state::read_table() {
  const auto& path = options_.table_file;
  auto content = read_state_file(path);
  if (std::holds_alternative<file_missing>(content)) return;
  if (auto* fault = std::get_if<file_fault>(&content)) {
    log::warn("membership.table_ignored", "reason=\"{}\"", fault->text);
    return;
  }
  auto decoded = slot_table::decode(std::get<std::string>(content));
  if (auto* fault = std::get_if<std::string>(&decoded)) {
    log::warn("membership.table_ignored", "reason=\"{}: {}\"", path, *fault);
    return;
  }
  table_ = std::make_shared<const slot_table>(std::get<slot_table>(std::move(decoded)));
  log::info("membership.table_kept", "epoch={} file={}", table_->epoch(), path);
  self_->send(options_.listener, use_table{table_});
}

void membership_state::push(const cluster_view& view) {
  // Only from the master that let us in, and never what is older than what it said before.
  if (phase_ != phase::joined || caf::actor_cast<caf::strong_actor_ptr>(master_) != self_->current_sender()) return;
  if (view.master_incarnation != master_incarnation_ || view.version < view_version_) return;
  take(view);
}

void membership_state::take(const cluster_view& view) {
  view_version_ = view.version;
  if (!view.table.empty()) take_table(view.table);
  if (nodes_ == view.nodes && reachable_) return;
  nodes_ = view.nodes;
  reachable_ = true;
  tell_nodes();
}

void membership_state::take_table(const std::string& text) {
  auto decoded = slot_table::decode(text);
  if (auto* fault = std::get_if<std::string>(&decoded)) {
    log::error("membership.bad_table", "reason=\"{}\"", *fault);
    return;
  }
  auto& table = std::get<slot_table>(decoded);
  if (table_ && table.digest() == table_->digest()) return;
  if (table_ && table.epoch() <= table_->epoch()) {
    // The next beat tells the master of our epoch, and it will go above it.
    log::warn("membership.table_refused", "epoch={} own_epoch={}", table.epoch(), table_->epoch());
    return;
  }
  table_ = std::make_shared<const slot_table>(std::move(table));
  log::info("membership.table", "epoch={} shards={}", table_->epoch(), table_->shards().size());
  self_->send(options_.listener, use_table{table_});
  if (keeper_) caf::anon_send(keeper_, use_table{table_});
}

void membership_state::tell_nodes() {
  nodes_changed what;
  what.master_reachable = reachable_;
  for (const auto& node : nodes_)
    what.nodes.push_back({node.name, node.incarnation, node.url, node.inspect});
  self_->send(options_.listener, std::move(what));
}

/// The cluster has buried this incarnation.
void membership_state::begin_anew(std::uint64_t newest_dead) {
  forget_master();
  auto& mine = options_.node.incarnation;
  mine = std::max({options_.world.incarnation(), mine + 1, newest_dead + 1});
  log::warn("membership.declared_dead", "new_incarnation={}", mine);
  close_clients();
}

/// Joins when the node has sent away the clients of the incarnation that was, and not before: a node that is alive
/// again to all others must not go on under the old one. They have a moment to go; their sessions can do nothing any
/// more.
void membership_state::close_clients() {
  self_->request(options_.listener, close_patience, begin_incarnation{options_.node.incarnation})
      .then(
          [this, now = attempt_] {
            if (now == attempt_ && phase_ == phase::connecting) retry("this node was declared dead");
          },
          [this, now = attempt_](const caf::error& error) {
            if (now != attempt_ || phase_ != phase::connecting) return;
            log::error("membership.clients_not_closed", "reason=\"{}\"", caf::to_string(error));
            if (error == caf::sec::request_timeout)
              close_clients();
            else
              retry("this node was declared dead"); // there is no node any more that could have clients
          });
}

void membership_state::note_heard() {
  heard_ = self_->clock().now();
  if (options_.status) options_.status->heard_master(heard_);
}

void membership_state::heard(const beat_answer& answer) {
  note_heard();
  if (!reachable_) {
    reachable_ = true;
    tell_nodes();
  }
  switch (answer.standing) {
  case node_standing::alive:
    return;
  case node_standing::unknown:
    return retry("the master does not know this node");
  case node_standing::dead:
    return begin_anew(0);
  }
}

void membership_state::beat_once() {
  if (phase_ == phase::left) return;
  self_->delayed_send(self_, options_.cluster.heartbeat, beat_now{});
  auto silent = self_->clock().now() - heard_;
  if (silent >= options_.cluster.dead_after) {
    if (reachable_) {
      reachable_ = false;
      log::warn("membership.master_away", "silent_for={}ms", std::chrono::duration_cast<milliseconds>(silent).count());
      tell_nodes();
    }
    if (phase_ == phase::joined) retry("the master is silent");
  }
  if (phase_ != phase::joined || beat_under_way_) return;
  beat_under_way_ = true;
  auto epoch = table_ ? table_->epoch() : 0;
  auto digest = table_ ? table_->digest() : 0;
  beat what{options_.node.name, options_.node.incarnation, view_version_, epoch, digest};
  self_->request(master_, options_.cluster.heartbeat * 2, std::move(what))
      .then(
          [this, now = attempt_](const beat_answer& answer) {
            if (now != attempt_ || phase_ != phase::joined) return;
            beat_under_way_ = false;
            heard(answer);
          },
          [this, now = attempt_](const caf::error&) {
            if (now == attempt_) beat_under_way_ = false; // the next one, until the silence is too long
          });
}

void membership_state::lost(const caf::down_msg& what) {
  if (phase_ == phase::left || !master_ || what.source != master_.address()) return;
  retry("the connection to the master is lost");
}

caf::result<void> membership_state::leave_now() {
  if (phase_ != phase::joined) {
    phase_ = phase::left;
    ++attempt_;
    return {};
  }
  phase_ = phase::left;
  auto answer = self_->make_response_promise<caf::unit_t>();
  self_->request(master_, leave_patience, leave{options_.node.name, options_.node.incarnation})
      .then([answer]() mutable { answer.deliver(caf::unit); },
            [answer](const caf::error&) mutable {
              log::warn("membership.leave_untold");
              answer.deliver(caf::unit);
            });
  return answer;
}

std::string membership_state::describe() const {
  constexpr std::array<std::string_view, 3> phases{"connecting", "joined", "left"};
  json_object it;
  it.add("phase", phases.at(static_cast<std::size_t>(phase_)))
      .add("master", options_.cluster.master)
      .add("master_reachable", reachable_)
      .add("incarnation", options_.node.incarnation)
      .add("attempts", attempt_)
      .add("last_failure", last_failure_)
      .add("epoch", table_ ? table_->epoch() : 0);
  add_list(it, "nodes", nodes_, [](const node_entry& node) {
    return json_object().add("name", node.name).add("incarnation", node.incarnation).add("url", node.url).text();
  });
  return it.text();
}

membership_actor::behavior_type membership(membership_self self, membership_options options) {
  self->observe("membership", options.node.name);
  auto& state = self->state;
  self->set_down_handler([&state](const caf::down_msg& what) { state.lost(what); });
  state.start(std::move(options));
  return {
      [&state](const cluster_view& view) { state.push(view); },
      [&state](const leave_cluster&) { return state.leave_now(); },
      [&state](const connect_again& what) { state.try_again(what); },
      [&state](const master_reached& what) { state.connect(what); },
      [&state](const beat_now&) { state.beat_once(); },
  };
}

} // namespace starling
