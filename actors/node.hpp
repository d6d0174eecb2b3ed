#pragma once

#include <map>

#include "actors/gateway.hpp"
#include "actors/node_status.hpp"
#include "actors/room.hpp"

namespace starling {

struct node_options {
  node_settings settings;
  std::uint64_t incarnation = 0;
  redis_link_factory make_link;
  std::shared_ptr<fan_out> fan;
  std::shared_ptr<node_gateway> sessions;
  std::shared_ptr<node_status> status;
  /// Closes all clients; they come back, here or elsewhere.
  std::function<void(close_code, std::string reason)> evict;
};

class node_state {
public:
  node_state(node_actor::pointer self) : self_(self) {}
  ~node_state();

  void start(node_options options);
  caf::result<attended> attend_room(attend& what);
  void leave_room(const leave_seat& what);
  void end_room(const room_idle& what);
  void use(const use_table& what);
  void shard_changed(const shard_report& what) { options_.status->set_shard(what); }
  void nodes_are(const nodes_changed& what) { options_.status->set_nodes(what); }
  void begin(const begin_incarnation& what);
  caf::result<kicked_user> kick(kick_user& what);
  caf::result<std::vector<user_presence>> look_for(get_users& what);
  caf::result<redis_value> run(script_call& what);
  child_restarts restart(const restart_child& what);
  void start_children();
  void ended(const caf::down_msg& what);
  /// For those who look into the actor.
  std::string describe() const;

private:
  struct active_room {
    room_actor actor;
    std::uint64_t attends = 0; // handed on to it
  };

  void stop_children(const std::string& reason);
  void end_children();
  room_actor find_room(const room_id& id);

  node_actor::pointer self_;
  node_options options_;
  table_ptr table_;
  router_actor router_;
  presence_actor presence_;
  bool running_ = false;
  std::uint64_t starts_ = 0; // of children, under this incarnation or another
  unsigned failures_ = 0;    // of children, since one has lived for a while
  std::chrono::steady_clock::time_point started_{};
  std::shared_ptr<const room_options> room_options_;
  std::map<room_id, active_room> rooms_;
};

using node_self = self_pointer<node_actor, node_state>;

node_actor::behavior_type node(node_self self, node_options options);

} // namespace starling
