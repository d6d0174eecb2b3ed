#include "actors/presence.hpp"

#include <algorithm>

#include "actors/describe.hpp"
#include "chat/notifications.hpp"

namespace starling {

void presence_state::start(presence_options options) {
  options_ = std::move(options);
  self_->send(options_.router, shard_watch{shard_watcher(presence_actor(self_))});
  self_->delayed_send(self_, options_.lease.renew, renew_leases{});
}

/// The router goes when nobody has anything to say through it any more.
presence_state::~presence_state() { caf::anon_send_exit(options_.router, caf::exit_reason::user_shutdown); }

/// A node that goes in order does not leave others to wait for its leases to run out.
void presence_state::say_goodbye() {
  constexpr milliseconds patience{500};
  if (std::exchange(leaving_, true)) return;
  auto left = std::make_shared<std::size_t>(1);
  auto one_less = [this, left] {
    if (--*left == 0) self_->quit(caf::exit_reason::user_shutdown);
  };
  for (auto& [name, shard] : shards_) {
    if (!shard.up) continue;
    ++*left;
    self_->request(options_.router, patience, shard_call{name, call_lease_end(options_.node)})
        .then([one_less](const redis_value&) { one_less(); }, [one_less](const caf::error&) { one_less(); });
  }
  one_less();
}

// -- who is here -----------------------------------------------------------------------------------------------------

caf::result<session_known> presence_state::begin(const session_begins& what) {
  auto [i, is_new] = local_.try_emplace(what.user);
  auto& user = i->second;
  bool was_away = user.sessions.empty();
  std::erase_if(user.sessions, [&](const local_session& s) { return s.number == what.session; });
  user.sessions.push_back({what.session, what.handle});
  if (is_new) self_->send(options_.router, subscribe_feed{{tail_kind::user_rooms, what.user}, presence_actor(self_)});
  if (was_away) announce(what.user);
  if (user.subscribed) return session_known{};
  auto promise = self_->make_response_promise<session_known>();
  user.waiting.push_back(promise);
  return promise;
}

void presence_state::end(const session_ends& what) {
  if (auto mine = watches_of_.find(what.session); mine != watches_of_.end()) {
    unwatch_users all{what.session, {}};
    for (auto* watched : mine->second)
      all.users.push_back(watched->first);
    unwatch(all);
  }
  auto i = local_.find(what.user);
  if (i == local_.end()) return;
  std::erase_if(i->second.sessions, [&](const local_session& s) { return s.number == what.session; });
  if (!i->second.sessions.empty()) return;
  i->second.away_since = self_->clock().now();
  self_->delayed_send(self_, options_.timings.presence_grace, grace_over{what.user});
}

void presence_state::end_grace(const user_id& user) {
  auto i = local_.find(user);
  if (i == local_.end() || !i->second.sessions.empty()) return;                              // came back
  if (self_->clock().now() - i->second.away_since < options_.timings.presence_grace) return; // and left again
  for (auto& promise : i->second.waiting)
    promise.deliver(make_error({errc::unavailable, {}, {}, 0}));
  local_.erase(i);
  announce(user);
  self_->send(options_.router, unsubscribe_feed{{tail_kind::user_rooms, user}});
}

template <class Message>
void presence_state::tell_sessions(const user_id& user, const Message& what) {
  auto i = local_.find(user);
  if (i == local_.end()) return;
  for (auto& s : i->second.sessions)
    self_->send(s.handle, what);
}

void presence_state::lost_seat(const seat_lost& what) { tell_sessions(what.user, what); }

void presence_state::failed_room(const room_failed& what) {
  for (auto& [user, here] : local_)
    for (auto& s : here.sessions)
      self_->send(s.handle, what);
}

kicked_user presence_state::kick(const kick_user& what) {
  auto i = local_.find(what.user);
  if (i == local_.end()) return {};
  if (!what.dry_run) tell_sessions(what.user, session_kicked{what.reason});
  return {i->second.sessions.size()};
}

/// As some node's server API has told all nodes.
void presence_state::kick_everywhere(const user_id& user, const sessions_kicked& what) {
  auto i = local_.find(user);
  if (i == local_.end()) return;
  auto node = options_.node.substr(0, options_.node.find('#'));
  for (auto& s : i->second.sessions)
    if (what.session == "*" || what.session == session_name(node, s.number))
      self_->send(s.handle, session_kicked{what.reason});
}

// -- what goes to the shards, gathered -------------------------------------------------------------------------------

void presence_state::announce(const user_id& user) {
  to_announce_.insert(user);
  plan_flush();
}

void presence_state::refresh(const user_id& user) {
  to_refresh_.insert(user);
  plan_flush();
}

/// Everything that this turn brings goes out together: a storm of users costs a few calls, not one each.
void presence_state::plan_flush() {
  if (!std::exchange(flush_planned_, true)) self_->send(self_, flush_presence{});
}

std::size_t presence_state::shard_of(const user_id& user) const {
  return table_->shard_index_of(slot_of(user_key(user)));
}

bool presence_state::lives_on(const user_id& user, const std::string& shard) const {
  return table_->shards()[shard_of(user)].name == shard;
}

void presence_state::flush() {
  constexpr std::size_t users_per_call = 128;
  flush_planned_ = false;
  if (!table_ || table_->shards().empty()) return; // `use` plans anew
  std::map<std::size_t, std::vector<std::pair<user_id, bool>>> announcements;
  for (auto& user : std::exchange(to_announce_, {})) {
    auto shard = shard_of(user);
    // What is said without a lease counts for nothing there, and is cleared away.
    if (auto& there = shards_[table_->shards()[shard].name]; !there.held) {
      there.unsaid.insert(user);
      continue;
    }
    auto& list = announcements[shard];
    list.emplace_back(user, local_.contains(user));
    if (list.size() == users_per_call) write_announcements(shard, std::exchange(list, {}));
  }
  for (auto& [shard, list] : announcements)
    if (!list.empty()) write_announcements(shard, std::move(list));
  std::map<std::size_t, std::vector<user_id>> refreshed;
  for (auto& user : std::exchange(to_refresh_, {})) {
    auto& list = refreshed[shard_of(user)];
    list.push_back(user);
    if (list.size() == users_per_call) read_refreshed(std::exchange(list, {}));
  }
  for (auto& [shard, list] : refreshed)
    if (!list.empty()) read_refreshed(std::move(list));
}

void presence_state::write_announcements(std::size_t shard, std::vector<std::pair<user_id, bool>> users) {
  auto call = call_presence_set(options_.node, users, table_->epoch());
  auto again = [this, users = std::move(users), name = table_->shards()[shard].name] {
    for (auto& [user, here] : users)
      to_announce_.insert(user);
    if (shards_[name].up) self_->delayed_send(self_, std::chrono::milliseconds(500), flush_presence{});
  };
  self_->request(options_.router, options_.timings.request, std::move(call))
      .then(
          [again](const redis_value& answer) {
            if (answer.if_error()) again();
          },
          [again](const caf::error&) { again(); });
}

void presence_state::read_refreshed(std::vector<user_id> users) {
  auto call = call_presence_get(users, table_->epoch());
  // Where the shard is away, its feeds tell when it is back.
  auto failed = [this, users, name = table_->shards()[shard_of(users.front())].name] {
    const bool again = shards_[name].up;
    for (auto& user : users) {
      settle(user, false);
      if (again && watched_.contains(user)) to_refresh_.insert(user);
    }
    if (again) self_->delayed_send(self_, std::chrono::milliseconds(500), flush_presence{});
  };
  self_->request(options_.router, options_.timings.request, std::move(call))
      .then(
          [this, users, failed](const redis_value& answer) {
            auto outcome = read_presence(answer);
            auto* list = std::get_if<std::vector<user_presence>>(&outcome);
            if (!list || list->size() != users.size()) return failed();
            for (std::size_t i = 0; i < users.size(); ++i)
              learn(users[i], std::move((*list)[i]));
          },
          [failed](const caf::error&) { failed(); });
}

// -- feeds -----------------------------------------------------------------------------------------------------------

void presence_state::feed_is_up(const feed_name& feed) {
  if (feed.kind == tail_kind::presence) return refresh(feed.id);
  auto i = local_.find(feed.id);
  if (i == local_.end()) return;
  i->second.subscribed = true;
  for (auto& promise : std::exchange(i->second.waiting, {}))
    promise.deliver(session_known{});
}

void presence_state::feed_is_down(const feed_down& what) {
  auto i = local_.find(what.feed.id);
  if (what.feed.kind == tail_kind::user_rooms && i != local_.end()) i->second.subscribed = false;
  if (!what.shard_away) return; // those who wait are answered when it is up again
  if (what.feed.kind == tail_kind::presence) return settle(what.feed.id, false);
  if (i == local_.end()) return;
  for (auto& promise : std::exchange(i->second.waiting, {}))
    promise.deliver(make_error({errc::unavailable, {}, {}, 0}));
}

void presence_state::news(const feed_news& what) {
  for (auto& payload : what.payloads) {
    auto event = read_bus(payload);
    if (!event) continue;
    if (auto* hint = std::get_if<room_hinted>(&*event))
      tell_sessions(what.feed.id, rooms_changed{*hint, 0});
    else if (auto* changed = std::get_if<presence_changed>(&*event))
      learn(what.feed.id, changed->now);
    else if (auto* kick = std::get_if<sessions_kicked>(&*event))
      kick_everywhere(what.feed.id, *kick);
    else if (auto* revoked = std::get_if<tokens_revoked>(&*event))
      tell_sessions(what.feed.id, session_revoked{revoked->until_s});
  }
}

void presence_state::moved(const feed_moved& what) {
  if (what.feed.kind == tail_kind::user_rooms) return tell_sessions(what.feed.id, rooms_changed{{}, what.now.version});
  auto i = watched_.find(what.feed.id);
  if (i == watched_.end() || (i->second.known && i->second.now.version == what.now.version)) return;
  // Versions begin anew where a shard was emptied: what is read now counts.
  if (what.now.version < i->second.now.version) i->second.now.version = 0;
  refresh(what.feed.id);
}

// -- shards and leases -----------------------------------------------------------------------------------------------

void presence_state::use(const use_table& what) {
  table_ = what.table;
  std::map<std::string, shard_leases> before;
  before.swap(shards_);
  for (auto& shard : table_->shards()) {
    auto& here = shards_[shard.name] = std::move(before[shard.name]);
    // Another address is another shard until it says that it is up.
    if (std::exchange(here.address, shard.address) != shard.address) here.up = here.held = false;
  }
  // Users whose slots have moved must be announced where they are now.
  for (auto& [user, here] : local_)
    to_announce_.insert(user);
  for (auto& [user, watched] : watched_)
    to_refresh_.insert(user);
  plan_flush();
  renew(); // a shard that had a newer table than ours has refused our lease
}

void presence_state::shard_changed(const shard_report& what) {
  auto i = shards_.find(what.name);
  if (i == shards_.end()) return;
  bool up = what.state == shard_state_kind::up || what.state == shard_state_kind::deaf;
  if (std::exchange(i->second.up, up) == up) return;
  i->second.held = false;
  if (up) renew();
}

void presence_state::announce_all(const std::string& shard) {
  for (auto& [user, here] : local_)
    if (lives_on(user, shard)) to_announce_.insert(user);
  plan_flush();
}

void presence_state::renew() {
  if (leaving_) return;
  for (auto& [name, shard] : shards_) {
    if (!shard.up) continue;
    self_
        ->request(options_.router, options_.timings.request,
                  shard_call{name, call_lease(options_.node, options_.lease.ttl.count())})
        .then(
            [this, shard_name = name](const redis_value& answer) {
              auto outcome = read_names(answer);
              if (auto* names = std::get_if<std::vector<std::string>>(&outcome)) leases_answered(shard_name, *names);
            },
            [](const caf::error&) {}); // the shard is away: others are told so by it, too
  }
}

/// Compares who holds a lease on a shard with who did: the users of a node that has come or gone are looked up again.
/// So each node's death costs the watchers' nodes one call per shard and 128 users, and nothing while nobody dies.
void presence_state::leases_answered(const std::string& name, const std::vector<std::string>& answer) {
  auto i = shards_.find(name);
  if (i == shards_.end() || answer.empty()) return;
  auto& shard = i->second;
  auto now = self_->clock().now();
  bool had_one = shard.renewed != decltype(now){};
  bool lapsed = had_one && now - shard.renewed > options_.lease.ttl;
  bool forgotten = had_one && answer.front() == "NEW";
  shard.renewed = now;
  // It has come back, perhaps without them; or we were frozen, or it was, and others have taken us for dead; or it was
  // emptied.
  if (!std::exchange(shard.held, true) || lapsed || forgotten) {
    to_announce_.merge(std::exchange(shard.unsaid, {}));
    announce_all(name);
  }
  std::set<std::string> here(answer.begin() + 1, answer.end());
  if (here == shard.alive) return;
  auto before = std::exchange(shard.alive, std::move(here));
  bool somebody_came = std::any_of(shard.alive.begin(), shard.alive.end(),
                                   [&](const std::string& node) { return !before.contains(node); });
  for (auto& [user, watched] : watched_) {
    if (!lives_on(user, name)) continue;
    bool was_there = std::any_of(watched.now.nodes.begin(), watched.now.nodes.end(),
                                 [&](const std::string& node) { return !shard.alive.contains(node); });
    if (was_there || (somebody_came && watched.now.nodes.empty())) refresh(user);
  }
}

std::string presence_state::describe(const user_id& about) const {
  json_object it;
  if (!about.empty()) {
    auto here = local_.find(about);
    auto watched = watched_.find(about);
    return it.add("user", about)
        .add("sessions", here == local_.end() ? 0 : here->second.sessions.size())
        .add("in_grace", here != local_.end() && here->second.sessions.empty())
        .add("watchers", watched == watched_.end() ? 0 : watched->second.watchers.size())
        .text();
  }
  auto in_grace = std::count_if(local_.begin(), local_.end(), [](auto& user) { return user.second.sessions.empty(); });
  it.add("node", options_.node)
      .add("users_in_grace", static_cast<std::uint64_t>(in_grace))
      .add("sessions_that_watch", watches_of_.size())
      .add("requests_waiting", waiting_.size())
      .add("to_announce", to_announce_.size())
      .add("to_refresh", to_refresh_.size())
      .add("leaving", leaving_);
  add_list(it, "users", local_, [](const auto& user) {
    return json_object().add("user", user.first).add("sessions", user.second.sessions.size()).text();
  });
  add_list(it, "watched", watched_, [](const auto& user) {
    return json_object().add("user", user.first).add("watchers", user.second.watchers.size()).text();
  });
  add_list(it, "shards", shards_, [](const auto& shard) {
    return json_object()
        .add("shard", shard.first)
        .add("up", shard.second.up)
        .add("lease_held", shard.second.held)
        .add("unsaid", shard.second.unsaid.size())
        .add("nodes_with_lease", shard.second.alive.size())
        .text();
  });
  return it.text();
}

presence_actor::behavior_type presence(presence_self self, presence_options options) {
  self->observe("presence", {});
  auto& state = self->state;
  state.start(std::move(options));
  self->set_exit_handler([self, &state](const caf::exit_msg& why) {
    if (why.reason == caf::exit_reason::user_shutdown)
      state.say_goodbye();
    else
      self->quit(why.reason);
  });
  return {
      [&state](const session_begins& what) { return state.begin(what); },
      [&state](const session_ends& what) { state.end(what); },
      [&state](watch_users& what) { return state.watch(what); },
      [&state](const unwatch_users& what) { state.unwatch(what); },
      [&state](const get_users& what) { return state.get(what); },
      [&state](const kick_user& what) { return state.kick(what); },
      [&state](const seat_lost& what) { state.lost_seat(what); },
      [&state](const room_failed& what) { state.failed_room(what); },
      [&state](const feed_up& what) { state.feed_is_up(what.feed); },
      [&state](const feed_news& what) { state.news(what); },
      [&state](const feed_moved& what) { state.moved(what); },
      [&state](const feed_down& what) { state.feed_is_down(what); },
      [&state](const use_table& what) { state.use(what); },
      [&state](const shard_report& what) { state.shard_changed(what); },
      [self, &state](const renew_leases&) {
        self->delayed_send(self, state.lease_period(), renew_leases{});
        state.renew();
      },
      [&state](const grace_over& what) { state.end_grace(what.user); },
      [&state](const flush_presence&) { state.flush(); },
  };
}

} // namespace starling
