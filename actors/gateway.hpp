#pragma once

#include <mutex>

#include <caf/actor_system.hpp>

#include "actors/session.hpp"

namespace starling {

/// Gives connections their sessions. The node actor sets what sessions are started with, anew at each restart of its
/// children; without it (none has been started yet) connections are sent elsewhere.
class node_gateway : public gateway {
public:
  explicit node_gateway(caf::actor_system& system) : system_(system) {}

  std::unique_ptr<session_port> open(identity who, std::shared_ptr<client> sink, bool announce) override;

  void set_options(std::shared_ptr<const session_options> options);

private:
  caf::actor_system& system_;
  std::mutex mutex_;
  std::shared_ptr<const session_options> options_;
  session_number last_ = 0;
};

} // namespace starling
