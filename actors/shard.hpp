#pragma once

#include <functional>
#include <unordered_map>

#include "actors/observed.hpp"
#include "actors/protocol.hpp"

namespace starling {

/// What a shard actor is started with.
struct shard_options {
  std::string cluster;
  shard_settings shard;
  std::shared_ptr<redis_link> link;
  milliseconds tail_check{5'000};
  router_actor router;
};

/// A feed that somebody on this node reads. Its name is that of its channel: there are three a connection.
struct read_feed {
  feed_reader reader;
  std::optional<feed_tail> seen; // how far publications, or the last check, have brought it; nothing: not known
  bool confirmed = false;
  std::uint8_t round = 0; // of the check that looked at it last; 0: none has
};

class shard_state {
public:
  shard_state(shard_actor::pointer self) : self_(self) {}
  ~shard_state();

  void start(shard_options options);
  caf::result<redis_value> run(script_call& call);
  void subscribe(subscribe_feed& what);
  void unsubscribe(const unsubscribe_feed& what);
  void use(const use_table& what);
  void connected();
  void lost(const link_down& what);
  void cut(const link_cut& what);
  void mended();
  void confirmed(const link_subscribed& what);
  void published(link_published& what);
  void answered(link_answered& what);
  void check_tails();
  /// For those who look into the actor.
  std::string describe() const;

private:
  using handler = std::function<void(redis_value&)>;

  void call(script_call what, handler done);
  void claim();
  void claimed(const redis_value& answer);
  void refused(std::string reason);
  void become(shard_state_kind state, std::string detail);
  void silence_feeds(bool shard_away);
  void subscribe_all();
  void note_step(read_feed& feed, std::string_view payload);
  void begin_round();
  void check_lot();
  void check_chunk(std::vector<feed_name> feeds);
  bool is_behind(std::string_view error) const;
  bool works() const { return state_ == shard_state_kind::up || state_ == shard_state_kind::deaf; }
  bool owns(const feed_name& feed) const;

  shard_actor::pointer self_;
  shard_options options_;
  table_ptr table_;
  shard_state_kind state_ = shard_state_kind::connecting;
  std::string detail_;  // of that state, as it was told
  bool linked_ = false; // both connections stand
  bool claiming_ = false;
  std::uint64_t calls_ = 0;
  std::unordered_map<std::uint64_t, handler> pending_; // bounded by the link: redis_settings::commands_waiting
  std::unordered_map<std::string, read_feed> feeds_;   // by channel
  std::size_t checked_bucket_ = 0;                     // of feeds_: where the check of the tails has come to
  std::uint8_t round_ = 1;                             // of that check: another one when something has changed
  int lots_left_ = 0;                                  // until all have been looked at in this round
  std::uint64_t changes_ = 0;                          // of the shard, when this round began
};

using shard_self = self_pointer<shard_actor, shard_state>;

shard_actor::behavior_type shard(shard_self self, shard_options options);

} // namespace starling
