#include "actors/router.hpp"

#include <fmt/format.h>

#include "actors/describe.hpp"
#include "actors/shard.hpp"
#include "actors/trace.hpp"

namespace starling {
namespace {

redis_value unavailable(std::string_view why) { return redis_value::error{std::string("UNAVAILABLE ").append(why)}; }

} // namespace

router_state::~router_state() {
  for (auto& [name, here] : shards_)
    caf::anon_send_exit(here.actor, caf::exit_reason::user_shutdown);
}

const shard_actor* router_state::owner_of(std::string_view key) const {
  if (!table_ || table_->shards().empty()) return nullptr;
  return &by_index_[table_->shard_index_of(slot_of(key))];
}

caf::result<redis_value> router_state::run(script_call& call) {
  if (call.table_epoch != 0 && (!table_ || call.table_epoch != table_->epoch()))
    return redis_value(redis_value::error{"STALE"});
  auto* shard = owner_of(call.key);
  if (!shard) return unavailable("no slot table yet");
  if (call.trace != 0)
    tracer::instance().note(call.trace, hop::router, fmt::format("slot {}, actor {}", slot_of(call.key), self_->id()));
  return self_->delegate(*shard, std::move(call));
}

caf::result<redis_value> router_state::run_on(shard_call& what) {
  auto i = shards_.find(what.shard);
  if (i == shards_.end()) return unavailable("no such shard");
  return self_->delegate(i->second.actor, std::move(what.call));
}

void router_state::subscribe(subscribe_feed& what) {
  if (auto* shard = owner_of(key_of(what.feed))) return self_->send(*shard, std::move(what));
  self_->send(what.reader, feed_down{what.feed});
  auto channel = channel_of(what.feed);
  early_.insert_or_assign(std::move(channel), std::move(what));
}

void router_state::unsubscribe(unsubscribe_feed& what) {
  if (auto* shard = owner_of(key_of(what.feed)))
    self_->send(*shard, std::move(what));
  else
    early_.erase(channel_of(what.feed));
}

shard_actor router_state::start_shard(const shard_entry& what) {
  shard_settings settings{what.name, what.address, what.weight};
  auto link = options_.make_link(settings);
  auto actor = self_->spawn<caf::monitored>(shard, shard_options{options_.cluster, std::move(settings), std::move(link),
                                                                 options_.tail_check, router_actor(self_)});
  return actor;
}

void router_state::use(const use_table& what) {
  if (table_ && what.table->epoch() <= table_->epoch()) return;
  table_ = what.table;
  auto before = std::exchange(shards_, {});
  by_index_.clear();
  for (auto& wanted : table_->shards()) {
    auto old = before.find(wanted.name);
    if (old != before.end() && old->second.last.address == wanted.address) {
      shards_.insert(before.extract(old));
    } else {
      shard_report report{wanted.name, wanted.address, shard_state_kind::connecting, {}};
      shards_[wanted.name] = {start_shard(wanted), std::move(report)};
    }
    by_index_.push_back(shards_[wanted.name].actor);
  }
  // Also those that leave learn of the table: they hand back the feeds that they have, before they end.
  for (auto& [name, here] : shards_)
    self_->send(here.actor, what);
  for (auto& [name, leaving] : before) {
    self_->demonitor(leaving.actor.address());
    self_->send(leaving.actor, what);
    self_->send_exit(leaving.actor, caf::exit_reason::user_shutdown);
  }
  for (auto& [channel, feed] : std::exchange(early_, {}))
    subscribe(feed);
  for (auto& watcher : watchers_)
    self_->send(watcher, what);
  log::info("router.table", "epoch={} shards={} digest={:016x}", table_->epoch(), shards_.size(), table_->digest());
}

void router_state::report(const shard_report& what) {
  auto i = shards_.find(what.name);
  if (i == shards_.end() || i->second.last.address != what.address) return; // of one that has left
  i->second.last = what;
  for (auto& watcher : watchers_)
    self_->send(watcher, what);
}

void router_state::watch(const shard_watch& what) {
  watchers_.push_back(what.who);
  if (table_) self_->send(what.who, use_table{table_});
  for (auto& [name, here] : shards_)
    self_->send(what.who, here.last);
}

void router_state::shard_ended(const caf::down_msg& what) {
  // Only a bug ends a shard by itself. Its feeds are lost with it, so all who rest on them start anew: the node does
  // it.
  log::error("shard.ended", "reason=\"{}\"", caf::to_string(what.reason));
  self_->quit(caf::exit_reason::unhandled_exception);
}

std::string router_state::describe() const {
  json_object it;
  it.add("epoch", table_ ? table_->epoch() : 0)
      .add("digest", fmt::format("{:016x}", table_ ? table_->digest() : 0))
      .add("watchers", watchers_.size())
      .add("subscriptions_early", early_.size());
  add_list(it, "shards", shards_, [](const auto& entry) {
    auto& last = entry.second.last;
    return json_object().add("shard", entry.first).add("state", name_of(last.state)).add("detail", last.detail).text();
  });
  return it.text();
}

router_actor::behavior_type router(router_self self, router_options options) {
  self->observe("router", {});
  auto& state = self->state;
  state.start(std::move(options));
  self->set_down_handler([&state](const caf::down_msg& what) { state.shard_ended(what); });
  return {
      [&state](script_call& call) { return state.run(call); },
      [&state](shard_call& call) { return state.run_on(call); },
      [&state](subscribe_feed& what) { state.subscribe(what); },
      [&state](unsubscribe_feed& what) { state.unsubscribe(what); },
      [&state](const use_table& what) { state.use(what); },
      [&state](const shard_report& what) { state.report(what); },
      [&state](const shard_watch& what) { state.watch(what); },
  };
}

} // namespace starling
