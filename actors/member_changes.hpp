#pragma once

#include <functional>

#include "chat/bus.hpp"
#include "chat/settings.hpp"
#include "chat/store.hpp"

/// What changes who is a member of what, whoever asks for it: a session for its user, or the server API.
///
/// A membership stands in two places that no script can change together: in the room, which decides, and in the user's
/// list of rooms, where a session begins to look. The list is written first and cleared last, so that it may name a
/// room too many and never one too few; a session that finds one too many strikes it out.
namespace starling {

class member_changes {
public:
  /// Runs a script, and goes on with its answer or with an error in its place. It outlives what is begun with it.
  using runner = std::function<void(script_call, std::function<void(const redis_value&)>)>;
  template <class T>
  using then = std::function<void(outcome<T>)>;

  member_changes(runner run, const limits& bounds) : run_(std::move(run)), bounds_(bounds) {}

  /// Makes a room; `owner` may be the system, then it has no owner.
  void create(const room_create& what, const user_id& owner, then<room_description> next) const;
  void add(const room_add& what, const user_id& by, then<std::monostate> next) const;
  void remove(const room_remove& what, const user_id& by, then<std::monostate> next) const;
  /// Makes the dialogue of two users, or mends it; `user`, who asks, may be the system.
  void begin_dialogue(const room_id& room, const user_id& user, const user_id& other, then<made_dialogue> next) const;
  /// Tells the user's sessions. A hint that is lost is found by the check of the tail of the user's list.
  void hint(const user_id& user, const room_hinted& what) const;

private:
  void note(const std::vector<user_id>& users, const room_id& room, then<std::monostate> next) const;
  void add_noted(const room_add& what, const user_id& by, then<std::monostate> next) const;

  runner run_;
  limits bounds_;
};

} // namespace starling
