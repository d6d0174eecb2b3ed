#pragma once

#include <functional>

#include "actors/member_changes.hpp"
#include "actors/observed.hpp"
#include "actors/protocol.hpp"
#include "chat/api_calls.hpp"

/// What an application's own servers ask by HTTP, carried out with the scripts that sessions use.
namespace starling {

struct api_task {
  api_call call;
  std::function<void(api_outcome)> done; // called once, unless the process ends before; on whichever thread
};

using server_api_actor = caf::typed_actor<caf::reacts_to<api_task>>;

struct server_api_options {
  struct limits limits;
  struct timings timings;
  node_actor node;
};

class server_api_state {
public:
  server_api_state(server_api_actor::pointer self) : self_(self) {}

  void start(server_api_options options) { options_ = std::move(options); }
  void carry_out(api_task& what);

private:
  using answer_function = std::function<void(api_outcome)>;

  void handle(const api_send& what, answer_function answer);
  void handle(const api_create& what, answer_function answer);
  void handle(const room_info& what, answer_function answer);
  void handle(const room_members& what, answer_function answer);
  void handle(const room_add& what, answer_function answer);
  void handle(const room_remove& what, answer_function answer);
  void handle(const room_history& what, answer_function answer);
  void handle(const presence_get& what, answer_function answer);
  void handle(const api_presence& what, answer_function answer);
  void handle(const api_sessions& what, answer_function answer);
  void handle(const api_kick& what, answer_function answer);
  void handle(const api_revoke& what, answer_function answer);

  void run(script_call call, std::function<void(const redis_value&)> next);
  void look_for(const std::vector<user_id>& users, answer_function answer,
                std::function<std::string(const std::vector<user_presence>&)> to_text);
  void post(const message_send& what, const user_id& from, answer_function answer);
  member_changes changes();

  server_api_actor::pointer self_;
  server_api_options options_;
};

using server_api_self = self_pointer<server_api_actor, server_api_state>;

server_api_actor::behavior_type server_api(server_api_self self, server_api_options options);

} // namespace starling

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(starling::api_task)
