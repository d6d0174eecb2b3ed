#pragma once

#include "actors/inspector.hpp"
#include "actors/protocol.hpp"

/// What operators may change in a process. All take `"dry_run": true`, and answer the same then, but nothing happens.
namespace starling {

/// `kick`: sends away the connections of a user on this node, with close 4009. They may come back: no token is revoked.
///
///     {"user", "reason"}    the reason is told to the client
///
/// Answers `{"connections"}`: how many there were.
inspector_command kick_command(node_actor node);

/// `revoke`: ends the sessions of a user on all nodes, with close 4001, and refuses the tokens that were issued until
/// now.
///
///     {"user"}
///
/// Answers `{"user", "until", "nodes"}`: up to which second of UTC, and how many nodes were told; in a dry run
/// `{"user"}`.
inspector_command revoke_command(node_actor node);

/// `restart`: ends an actor as if it had failed; whoever supervises it starts it anew.
///
///     {"kind", "name"}    "router", "presence", or "room" with its id
///     {"id"}              the same by the number in the directory
///
/// Answers `{"kind", "name", "effect"}`. Refuses actors that nobody starts again.
inspector_command restart_command(node_actor node);

/// `send`: a message in a room, from a member, as if the member had sent it.
///
///     {"room", "user", "text"}
///
/// Answers `{"room", "epoch", "seq"}`, or in a dry run `{"room"}`: whether the user may is known by the room's shard
/// only.
inspector_command send_command(node_actor node, const limits& bounds, const timings& times);

/// `drain`: what SIGTERM does; `drain` is called when the answer has left. Answers `{"connections"}`.
inspector_command drain_command(std::function<std::size_t()> connections, std::function<void()> drain);

/// `log_level`: how much is logged from now on, until the process starts again.
///
///     {"level", "component"}    without "component": of all that have no level of their own
///
/// Answers as `log_levels` does, with the levels as they are (or would be).
inspector_command log_level_command();
/// `log_levels`: `{"level", "levels": ["redis=debug"]}`. Changes nothing.
inspector_command log_levels_command();

} // namespace starling
