#pragma once

#include <map>
#include <set>
#include <unordered_map>
#include <vector>

#include "actors/observed.hpp"
#include "actors/protocol.hpp"

namespace starling {

struct presence_options {
  std::string node;                // name#incarnation: what stands in the shards
  std::size_t watches_per_session; // beyond: conflict
  struct timings timings;
  lease_settings lease;
  std::shared_ptr<fan_out> fan;
  router_actor router;
};

class presence_state {
public:
  presence_state(presence_actor::pointer self) : self_(self) {}
  ~presence_state();

  void start(presence_options options);

  // who is here (presence.cpp)
  caf::result<session_known> begin(const session_begins& what);
  void end(const session_ends& what);
  void end_grace(const user_id& user);
  void lost_seat(const seat_lost& what);
  void failed_room(const room_failed& what);
  kicked_user kick(const kick_user& what);

  // who watches whom (presence_watch.cpp)
  caf::result<std::vector<user_presence>> watch(watch_users& what);
  void unwatch(const unwatch_users& what);
  caf::result<std::vector<user_presence>> get(const get_users& what);

  // feeds, shards, leases (presence.cpp)
  void feed_is_up(const feed_name& feed);
  void news(const feed_news& what);
  void moved(const feed_moved& what);
  void feed_is_down(const feed_down& what);
  void use(const use_table& what);
  void shard_changed(const shard_report& what);
  void renew();
  /// Gives the leases back, then ends.
  void say_goodbye();
  milliseconds lease_period() const { return options_.lease.renew; }
  void flush();
  /// For those who look into the actor: one user, or all in short.
  std::string describe(const user_id& about) const;

private:
  struct local_session {
    session_number number;
    session_actor handle;
  };
  struct local_user {
    std::vector<local_session> sessions; // empty: in grace
    std::chrono::steady_clock::time_point away_since{};
    bool subscribed = false;                                         // to the user's channel
    std::vector<caf::typed_response_promise<session_known>> waiting; // for the subscription
  };
  struct watcher {
    session_number session;
    std::shared_ptr<client> sink;
  };
  struct watched_user {
    std::vector<watcher> watchers;
    user_presence now;
    bool known = false;
  };
  using watched_users = std::unordered_map<user_id, watched_user>;
  /// A request that waits until something is known of each of its users.
  struct waiting_watch {
    std::vector<user_id> users;
    std::size_t left = 0;
    caf::typed_response_promise<std::vector<user_presence>> promise;
  };
  struct shard_leases {
    std::string address;
    std::set<std::string> alive;                     // nodes
    std::chrono::steady_clock::time_point renewed{}; // ours
    bool up = false;
    bool held = false;        // ours, since it was up last
    std::set<user_id> unsaid; // of whom it hears when it is
  };

  void announce(const user_id& user);
  void refresh(const user_id& user);
  void plan_flush();
  void write_announcements(std::size_t shard, std::vector<std::pair<user_id, bool>> users);
  void read_refreshed(std::vector<user_id> users);
  void learn(const user_id& user, user_presence now);
  void settle(const user_id& user, bool known);
  bool watches(session_number session, const user_id& user) const;
  bool may_watch(session_number session, const std::vector<user_id>& users) const;
  void leases_answered(const std::string& shard, const std::vector<std::string>& alive);
  void announce_all(const std::string& shard);
  bool lives_on(const user_id& user, const std::string& shard) const;
  std::size_t shard_of(const user_id& user) const;
  void kick_everywhere(const user_id& user, const sessions_kicked& what);
  template <class Message>
  void tell_sessions(const user_id& user, const Message& what);

  presence_actor::pointer self_;
  presence_options options_;
  table_ptr table_;
  std::unordered_map<user_id, local_user> local_;
  watched_users watched_;
  std::unordered_map<session_number, std::vector<watched_users::value_type*>> watches_of_; // none is ever empty
  std::unordered_map<user_id, std::vector<std::shared_ptr<waiting_watch>>> waiting_;
  std::map<std::string, shard_leases> shards_;
  // Of whom the shards hear with the next flush whether they are here, as it is then.
  std::set<user_id> to_announce_;
  std::set<user_id> to_refresh_;
  bool flush_planned_ = false;
  bool leaving_ = false;
};

using presence_self = self_pointer<presence_actor, presence_state>;

presence_actor::behavior_type presence(presence_self self, presence_options options);

} // namespace starling
