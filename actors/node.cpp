#include "actors/node.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "actors/describe.hpp"
#include "actors/presence.hpp"
#include "actors/router.hpp"

namespace starling {
namespace {

/// A failed child is started again after this, doubled with each failure in a row.
constexpr std::chrono::milliseconds backoff_min{100};
constexpr std::chrono::milliseconds backoff_max{5'000};

} // namespace

void node_state::start(node_options options) {
  options_ = std::move(options);
  options_.status->set_incarnation(options_.incarnation);
  start_children();
}

node_state::~node_state() {
  if (running_) end_children(); // whoever ends the node has seen to the clients
}

void node_state::start_children() {
  if (running_) return;
  auto& settings = options_.settings;
  // What those before them have said of users is not said by these.
  auto tag = fmt::format("{}#{}.{}", settings.name, options_.incarnation, ++starts_);
  router_ = self_->spawn<caf::monitored>(
      router, router_options{settings.cluster.id, settings.timings.tail_check, options_.make_link});
  presence_ =
      self_->spawn<caf::monitored>(presence, presence_options{tag, settings.limits.watches_per_session,
                                                              settings.timings, settings.lease, options_.fan, router_});
  room_options_ = std::make_shared<starling::room_options>(starling::room_options{
      tag, settings.limits, settings.timings, options_.fan, router_, presence_, node_actor(self_), settings.drill});
  self_->send(router_, shard_watch{shard_watcher(node_actor(self_))});
  if (table_) self_->send(router_, use_table{table_});
  options_.sessions->set_options(std::make_shared<session_options>(
      session_options{settings.name, settings.limits, settings.timings, settings.create_public_rooms, router_,
                      presence_, node_actor(self_)}));
  running_ = true;
  started_ = self_->clock().now();
}

/// All rest on router and presence: when one of them goes, everything starts anew and clients resume.
void node_state::stop_children(const std::string& reason) {
  options_.evict(close_code::going_away, reason);
  end_children();
}

void node_state::end_children() {
  running_ = false;
  options_.sessions->set_options(nullptr);
  for (auto& [id, room] : rooms_) {
    self_->demonitor(room.actor.address());
    caf::anon_send_exit(room.actor, caf::exit_reason::user_shutdown);
  }
  rooms_.clear();
  self_->demonitor(router_.address());
  self_->demonitor(presence_.address());
  caf::anon_send_exit(presence_, caf::exit_reason::user_shutdown); // it ends the router when it has said goodbye
}

void node_state::begin(const begin_incarnation& what) {
  if (what.incarnation <= options_.incarnation) return; // asked again, since the answer was late
  log::warn("node.incarnation", "old={} new={}", options_.incarnation, what.incarnation);
  stop_children("this node was taken for dead: connect again");
  options_.incarnation = what.incarnation;
  options_.status->set_incarnation(what.incarnation);
  start_children();
}

void node_state::use(const use_table& what) {
  if (table_ && what.table->epoch() <= table_->epoch()) return;
  table_ = what.table;
  options_.status->set_table(table_);
  if (running_) self_->send(router_, what);
}

void node_state::ended(const caf::down_msg& what) {
  auto is = [&](const auto& actor) { return running_ && actor.address() == what.source; };
  if (is(router_) || is(presence_)) {
    actor_directory::instance().note_restart(is(router_) ? "router" : "presence");
    if (self_->clock().now() - started_ > std::chrono::minutes(1)) failures_ = 0;
    auto wait = std::min(backoff_max, backoff_min * (1 << std::min(failures_++, 10u)));
    log::error("node.child_ended", "reason=\"{}\" starting_again_in={}ms", caf::to_string(what.reason), wait.count());
    stop_children("this node has failed and starts anew: connect again");
    self_->delayed_send(self_, wait, restart_children{});
    return;
  }
  auto room = std::find_if(rooms_.begin(), rooms_.end(),
                           [&](auto& entry) { return entry.second.actor.address() == what.source; });
  if (room == rooms_.end()) return; // it ended in order
  actor_directory::instance().note_restart("room");
  log::error("room.ended", "room={} reason=\"{}\"", room->first, caf::to_string(what.reason));
  self_->send(presence_, room_failed{room->first});
  rooms_.erase(room);
}

room_actor node_state::find_room(const room_id& id) {
  auto& entry = rooms_[id];
  if (!entry.actor) entry.actor = self_->spawn<caf::monitored>(room, id, room_options_);
  ++entry.attends;
  return entry.actor;
}

caf::result<attended> node_state::attend_room(attend& what) {
  if (!running_) return make_error({errc::unavailable, {}, {}, 0});
  auto room = find_room(what.room);
  return self_->delegate(room, std::move(what));
}

void node_state::leave_room(const leave_seat& what) {
  if (auto room = rooms_.find(what.room); room != rooms_.end()) self_->send(room->second.actor, what);
}

caf::result<kicked_user> node_state::kick(kick_user& what) {
  if (!running_) return make_error({errc::unavailable, {}, {}, 0});
  return self_->delegate(presence_, std::move(what));
}

caf::result<std::vector<user_presence>> node_state::look_for(get_users& what) {
  if (!running_) return make_error({errc::unavailable, {}, {}, 0});
  return self_->delegate(presence_, std::move(what));
}

caf::result<redis_value> node_state::run(script_call& what) {
  if (!running_) return make_error({errc::unavailable, {}, {}, 0});
  return self_->delegate(router_, std::move(what));
}

/// Ends it as a bug would; `ended` does the rest.
child_restarts node_state::restart(const restart_child& what) {
  if (!running_) return {"router and presence of this node are being started already"};
  caf::strong_actor_ptr child;
  if (what.kind == "router") child = caf::actor_cast<caf::strong_actor_ptr>(router_);
  if (what.kind == "presence") child = caf::actor_cast<caf::strong_actor_ptr>(presence_);
  if (what.kind == "room") {
    auto room = rooms_.find(what.name);
    if (room == rooms_.end()) return {"this room is not active here: " + what.name};
    child = caf::actor_cast<caf::strong_actor_ptr>(room->second.actor);
  }
  if (!child) return {"there is no " + what.kind + " that this node would start again"};
  if (what.dry_run) return {};
  log::warn("actor.restart_asked", "kind={} name={}", what.kind, what.name);
  caf::anon_send_exit(child, caf::exit_reason::kill);
  return {};
}

void node_state::end_room(const room_idle& what) {
  auto i = rooms_.find(what.room);
  // Somebody may have been sent there since it counted: then it must go on.
  if (i == rooms_.end() || i->second.attends != what.attends) return;
  self_->send(i->second.actor, room_forgotten{});
  rooms_.erase(i);
}

std::string node_state::describe() const {
  json_object it;
  it.add("incarnation", options_.incarnation)
      .add("running", running_)
      .add("failures", static_cast<std::uint64_t>(failures_))
      .add("epoch", table_ ? table_->epoch() : 0);
  add_list(it, "rooms", rooms_, [](const auto& room) {
    return json_object().add("room", room.first).add("attends", room.second.attends).text();
  });
  return it.text();
}

node_actor::behavior_type node(node_self self, node_options options) {
  self->observe("node", options.settings.name);
  auto& state = self->state;
  self->set_down_handler([&state](const caf::down_msg& what) { state.ended(what); });
  state.start(std::move(options));
  return {
      [&state](attend& what) { return state.attend_room(what); },
      [&state](const leave_seat& what) { state.leave_room(what); },
      [&state](const room_idle& what) { state.end_room(what); },
      [&state](const use_table& what) { state.use(what); },
      [&state](const shard_report& what) { state.shard_changed(what); },
      [&state](const nodes_changed& what) { state.nodes_are(what); },
      [&state](const begin_incarnation& what) { state.begin(what); },
      [&state](const restart_children&) { state.start_children(); },
      [&state](kick_user& what) { return state.kick(what); },
      [&state](script_call& what) { return state.run(what); },
      [&state](get_users& what) { return state.look_for(what); },
      [&state](const restart_child& what) { return state.restart(what); },
  };
}

} // namespace starling
