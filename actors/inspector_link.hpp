#pragma once

#include <boost/asio/io_context.hpp>

#include "actors/cluster.hpp"
#include "actors/observed.hpp"
#include "actors/reach.hpp"
#include "chat/settings.hpp"

namespace starling {

/// Where the inspector of a process is found.
struct inspector_place {
  host_port where;
  bool is_master = false; // what is published there is the master, which knows its inspector
  inspector_actor direct; // in this process; then nothing is published for it
};

/// Who asks, and whom.
struct inspector_link_options {
  std::string cluster;
  std::string token;
  std::string operator_name; // user@machine, for the audit logs
  bool admin = false;
  inspector_place place;
  milliseconds patience{200};            // for each step of joining
  milliseconds answer_patience{800};     // more than an inspector gives the actors that it asks
  boost::asio::io_context* io = nullptr; // outlives the actor system
};

struct link_now {};
struct inspector_reached {
  reached result;
};

/// A console's link to the inspector of one process. It never waits for longer than its patience, so that a console
/// asks many of them side by side and none holds up the others. It ends when the process behind it does.
using inspector_link_actor = caf::typed_actor<
    // Once, first: connects and joins. Fails with what is wrong, for people (see `describe_link_error`).
    caf::replies_to<link_now>::with<console_joined>, caf::reacts_to<inspector_reached>,
    caf::replies_to<console_ask>::with<console_answer>>;

class inspector_link_state {
public:
  inspector_link_state(inspector_link_actor::pointer self) : self_(self) {}

  void start(inspector_link_options options) { options_ = std::move(options); }
  caf::result<console_joined> begin();
  void connect(const inspector_reached& what);
  caf::result<console_answer> ask(console_ask& what);

private:
  void greet();
  void join(const console_challenge& from);
  void failed(const caf::error& why);

  inspector_link_actor::pointer self_;
  inspector_link_options options_;
  caf::typed_response_promise<console_joined> joining_;
  inspector_actor inspector_;
  bool joined_ = false;
};

using inspector_link_self = self_pointer<inspector_link_actor, inspector_link_state>;

inspector_link_actor::behavior_type inspector_link(inspector_link_self self, inspector_link_options options);

/// What a link, or the process behind it, says has gone wrong.
std::string describe_link_error(const caf::actor_system& system, const caf::error& why);

} // namespace starling

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(starling::link_now)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(starling::inspector_reached)
