#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace starling::cli {

/// How the server under test speaks.
enum class protocol : std::uint8_t {
  starling, // as in docs/PROTOCOL.md
  json,     // the same texts, without seqs and dialogues: what a plain server of WebSockets would do
  socketio, // Socket.IO 4 over WebSocket alone
  floor,    // no sessions and no rooms: see floor.hpp
};

/// What one text frame of a server says.
struct heard {
  enum class kind : std::uint8_t { message, reply, opened, presence, gap, closing, ping, other };
  kind what = kind::other;
  std::uint64_t id = 0;    // of the request that a reply answers
  std::string_view answer; // to be sent back at once; empty: nothing
};

/// One protocol, as far as the clients need it. Frames are told apart by search, not parsed: a parser would cost more
/// than all the rest.
class dialect {
public:
  virtual ~dialect() = default;

  /// What stands behind GET. `path` is the URL's, maybe empty; `room` is where the user will be.
  virtual std::string target(std::string_view path, std::string_view user, std::size_t room) const = 0;
  virtual void append_request(std::string& out, std::uint64_t id, std::string_view method,
                              std::string_view params) const = 0;
  virtual heard hear(std::string_view text) const = 0;

  /// Does a session open after the upgrade, in which rooms are joined and users watched?
  virtual bool has_sessions() const { return true; }
  /// Does the server number a room's messages, and promise their order? Else the sender's numbers tell what was lost.
  virtual bool has_seqs() const = 0;
  /// The number of a message, or of what a reply acknowledges: the server's, or where it gives none `own`.
  std::optional<std::uint64_t> number_of(std::string_view text, std::uint64_t own) const;
  /// Can a message be sent `to` a user? Else two users need a room.
  virtual bool has_dialogues() const = 0;
  /// Is there `presence.get`?
  virtual bool tells_presence_when_asked() const { return false; }
};

const dialect& dialect_of(protocol which);
std::string name_of(protocol which);

} // namespace starling::cli
