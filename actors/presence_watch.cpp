#include <algorithm>

#include "actors/presence.hpp"
#include "chat/notifications.hpp"

/// Who watches whom: one subscription and one copy of what is known per watched user and node, however many watch.
namespace starling {

bool presence_state::watches(session_number session, const user_id& user) const {
  auto i = watched_.find(user);
  if (i == watched_.end()) return false;
  auto& watchers = i->second.watchers;
  return std::any_of(watchers.begin(), watchers.end(), [&](const watcher& w) { return w.session == session; });
}

bool presence_state::may_watch(session_number session, const std::vector<user_id>& users) const {
  std::set<std::string_view> more;
  for (auto& user : users)
    if (!watches(session, user)) more.insert(user);
  auto mine = watches_of_.find(session);
  auto now = mine == watches_of_.end() ? 0 : mine->second.size();
  return more.size() <= options_.watches_per_session - std::min(now, options_.watches_per_session);
}

caf::result<std::vector<user_presence>> presence_state::watch(watch_users& what) {
  if (!may_watch(what.session, what.users)) return make_error({errc::conflict, "too many watches", {}, 0});
  auto request = std::make_shared<waiting_watch>();
  request->users = what.users;
  request->promise = self_->make_response_promise<std::vector<user_presence>>();
  for (auto& id : what.users) {
    auto [i, is_new] = watched_.try_emplace(id);
    auto& user = i->second;
    if (!watches(what.session, id)) {
      user.watchers.push_back({what.session, what.sink});
      watches_of_[what.session].push_back(&*i);
    }
    if (is_new) self_->send(options_.router, subscribe_feed{{tail_kind::presence, id}, presence_actor(self_)});
    if (user.known) continue;
    ++request->left;
    waiting_[id].push_back(request);
  }
  auto promise = request->promise;
  if (request->left == 0) {
    std::vector<user_presence> now;
    for (auto& id : what.users)
      now.push_back(watched_[id].now);
    promise.deliver(std::move(now));
  }
  return promise;
}

void presence_state::unwatch(const unwatch_users& what) {
  auto mine = watches_of_.find(what.session);
  for (auto& id : what.users) {
    auto i = watched_.find(id);
    if (i == watched_.end()) continue;
    std::erase_if(i->second.watchers, [&](const watcher& w) { return w.session == what.session; });
    if (mine != watches_of_.end()) std::erase(mine->second, &*i);
    if (!i->second.watchers.empty()) continue;
    settle(id, false);
    watched_.erase(i);
    self_->send(options_.router, unsubscribe_feed{{tail_kind::presence, id}});
  }
  if (mine != watches_of_.end() && mine->second.empty()) watches_of_.erase(mine);
}

/// Something newer, or something at all, is known of a user: watchers hear of it if it makes a difference to them.
void presence_state::learn(const user_id& id, user_presence now) {
  auto i = watched_.find(id);
  if (i == watched_.end()) return;
  auto& user = i->second;
  if (user.known && now.version < user.now.version) return; // an answer that a publication has overtaken
  bool changed = user.known && user.now.nodes.empty() != now.nodes.empty();
  // They hold leases, else the shard would not name them: when one ends, it must be missed even if it was too short to
  // be seen among the others' by `leases_answered`.
  if (table_) shards_[table_->shards()[shard_of(id)].name].alive.insert(now.nodes.begin(), now.nodes.end());
  user.now = std::move(now);
  user.known = true;
  settle(id, true);
  if (!changed) return;
  std::vector<client*> to;
  to.reserve(user.watchers.size());
  for (auto& w : user.watchers)
    to.push_back(w.sink.get());
  options_.fan->push(to, make_text_frame(presence_notification(id, user.now)), frame_kind::ephemeral);
}

/// Ends the wait of requests for a user: something is known now, or cannot be.
void presence_state::settle(const user_id& id, bool known) {
  auto i = waiting_.find(id);
  if (i == waiting_.end()) return;
  auto requests = std::move(i->second);
  waiting_.erase(i);
  for (auto& request : requests) {
    if (request->left == 0) continue; // has been answered with an error
    if (!known) {
      request->left = 0;
      request->promise.deliver(make_error({errc::unavailable, {}, {}, 0}));
    } else if (--request->left == 0) {
      std::vector<user_presence> now;
      for (auto& user : request->users)
        now.push_back(watched_[user].now);
      request->promise.deliver(std::move(now));
    }
  }
}

caf::result<std::vector<user_presence>> presence_state::get(const get_users& what) {
  struct gathering {
    std::vector<user_presence> now;
    std::size_t left = 0;
    bool failed = false;
    caf::typed_response_promise<std::vector<user_presence>> promise;
  };
  auto all = std::make_shared<gathering>();
  all->promise = self_->make_response_promise<std::vector<user_presence>>();
  all->now.resize(what.users.size());
  if (!table_ || table_->shards().empty()) {
    all->promise.deliver(make_error({errc::unavailable, {}, {}, 0}));
    return all->promise;
  }
  std::map<std::size_t, std::vector<std::size_t>> by_shard; // indices into what.users
  for (std::size_t i = 0; i < what.users.size(); ++i) {
    auto known = watched_.find(what.users[i]);
    if (known != watched_.end() && known->second.known)
      all->now[i] = known->second.now;
    else
      by_shard[shard_of(what.users[i])].push_back(i);
  }
  auto finish = [all] {
    if (all->failed)
      all->promise.deliver(make_error({errc::unavailable, {}, {}, 0}));
    else
      all->promise.deliver(std::move(all->now));
  };
  all->left = by_shard.size();
  if (all->left == 0) finish();
  for (auto& [shard, indices] : by_shard) {
    std::vector<user_id> users;
    for (auto i : indices)
      users.push_back(what.users[i]);
    self_->request(options_.router, options_.timings.request, call_presence_get(users, table_->epoch()))
        .then(
            [all, finish, places = indices](const redis_value& answer) {
              auto outcome = read_presence(answer);
              auto* list = std::get_if<std::vector<user_presence>>(&outcome);
              if (!list || list->size() != places.size())
                all->failed = true;
              else
                for (std::size_t i = 0; i < places.size(); ++i)
                  all->now[places[i]] = std::move((*list)[i]);
              if (--all->left == 0) finish();
            },
            [all, finish](const caf::error&) {
              all->failed = true;
              if (--all->left == 0) finish();
            });
  }
  return all->promise;
}

} // namespace starling
