#pragma once

#include <boost/asio/io_context.hpp>

#include "actors/ports.hpp"

namespace starling::net {

class outlet;

/// Puts frames into outboxes and has the threads of the `io_context` write them.
///
/// A frame for many clients costs one short lock per client here. The connections that were idle are written at the end
/// of the thread's turn, or, where they are many, by all threads in lots; each with one system call that takes all that
/// waits by then.
class flusher final : public fan_out {
public:
  explicit flusher(boost::asio::io_context& threads) : threads_(threads) {}

  /// Pushes to clients made by this layer; any other kind of client is a bug.
  void push(const std::vector<client*>& to, const frame& what, frame_kind kind) override;

  /// Has one connection written.
  void schedule(outlet& which);

private:
  boost::asio::io_context& threads_;
};

} // namespace starling::net
