#pragma once

#include <map>
#include <vector>

#include "actors/observed.hpp"
#include "actors/protocol.hpp"

namespace starling {

struct router_options {
  std::string cluster;
  milliseconds tail_check{5'000};
  redis_link_factory make_link;
};

class router_state {
public:
  router_state(router_actor::pointer self) : self_(self) {}
  ~router_state();

  void start(router_options options) { options_ = std::move(options); }
  caf::result<redis_value> run(script_call& call);
  caf::result<redis_value> run_on(shard_call& call);
  void subscribe(subscribe_feed& what);
  void unsubscribe(unsubscribe_feed& what);
  void use(const use_table& what);
  void report(const shard_report& what);
  void watch(const shard_watch& what);
  void shard_ended(const caf::down_msg& what);
  /// For those who look into the actor.
  std::string describe() const;

private:
  struct running_shard {
    shard_actor actor;
    shard_report last;
  };

  const shard_actor* owner_of(std::string_view key) const;
  shard_actor start_shard(const shard_entry& shard);

  router_actor::pointer self_;
  router_options options_;
  table_ptr table_;
  std::map<std::string, running_shard> shards_; // by name
  std::vector<shard_actor> by_index_;           // as in the table
  std::vector<shard_watcher> watchers_;
  std::map<std::string, subscribe_feed> early_; // before the first table; by channel
};

using router_self = self_pointer<router_actor, router_state>;

router_actor::behavior_type router(router_self self, router_options options);

} // namespace starling
