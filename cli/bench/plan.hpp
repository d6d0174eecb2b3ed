#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/bench/options.hpp"

namespace starling::cli {

/// What one client is there for.
struct part {
  static constexpr std::uint32_t no_room = UINT32_MAX;

  std::uint32_t room = no_room;
  bool joins = false;                 // false: it has no room, or a dialogue, which its first message makes
  bool stalls = false;                // stops to read when the load begins
  bool urgent = false;                // what comes for it is read, and what it says is sent, before all others'
  std::vector<std::uint32_t> watches; // other clients, ascending
};

/// Messages at a fixed rate among neighbouring clients.
struct stream {
  std::string name; // for the report; empty if there is no other
  double rate = 0;  // messages/s
  std::uint32_t first = 0, count = 0;
  bool in_pairs = false; // two in each room: what counts is the way to the other
  bool urgent = false;   // the one that is measured, while others are there to disturb it

  std::uint32_t partner(std::uint32_t client) const { return first + ((client - first) ^ 1u); }
};

/// A scenario as a value: who there is, and who says how much.
struct plan {
  std::vector<part> clients;
  std::size_t rooms = 0;
  std::vector<stream> streams;
};

/// Neighbours share a room: clients are dealt to the nodes in turn, so that a room's members are spread over all nodes.
plan plan_of(const bench_options& options, const dialect& speaks);

} // namespace starling::cli
