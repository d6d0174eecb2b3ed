#pragma once

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include "actors/cluster.hpp"

/// An actor system without threads: the test runs what is ready, and moves the clock.
struct stepped_system {
  struct config : caf::actor_system_config {
    config() {
      starling::add_cluster_messages(*this);
      set("scheduler.policy", caf::atom("testing"));
    }
  };

  config cfg;
  caf::actor_system system{cfg};
  caf::scheduler::test_coordinator& sched = dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
};
