#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "scene.hpp"

namespace scene_test {

/// What a client can rest on, from the frames that it got, in their order: which rooms are pushed to it and from where
/// on, what came, and what was acknowledged. Written after docs/PROTOCOL.md, not after the server.
class client_history {
public:
  explicit client_history(user_id user) : user_(std::move(user)) {}

  /// Of a request that was sent, so that its answer can be read.
  struct asked {
    std::string method;
    json params;
  };
  void note_asked(int id, const std::string& method, const json& params) { asked_[id] = {method, params}; }

  /// Reads all frames; returns what must not be, in words.
  std::vector<std::string> read(const std::vector<json>& frames);

  struct place {
    std::uint64_t next = 0; // the number that must come next; 0: whichever comes
  };
  /// Rooms whose messages are pushed, after the last frame.
  const std::map<room_id, place>& rooms() const { return rooms_; }
  /// Of each room: number and text of what came, and of what was acknowledged.
  using texts_of = std::map<room_id, std::map<std::uint64_t, std::string>>;
  const texts_of& heard() const { return heard_; }
  const texts_of& acknowledged() const { return acknowledged_; }

private:
  void answered(int id, const json& frame);
  void told(const std::string& method, const json& params);
  void message(const json& params);
  void opened(const json& result);

  user_id user_;
  std::map<int, asked> asked_;
  std::map<room_id, place> rooms_;
  texts_of heard_, acknowledged_;
  std::vector<std::string> wrong_;
};

} // namespace scene_test
