#include "actors/member_changes.hpp"

#include <memory>

namespace starling {
namespace {

template <class T>
const client_error* failure_in(const outcome<T>& what) {
  return std::get_if<client_error>(&what);
}

bool is_system(const user_id& user) { return user == system_user; }

} // namespace

/// Notes the room in the lists of all these users, side by side; goes on when all have answered, with the first
/// failure.
void member_changes::note(const std::vector<user_id>& users, const room_id& room, then<std::monostate> next) const {
  struct gathering {
    std::size_t left;
    outcome<std::monostate> result;
    then<std::monostate> next;
  };
  if (users.empty()) return next(std::monostate{});
  auto all = std::make_shared<gathering>(gathering{users.size(), std::monostate{}, std::move(next)});
  for (auto& user : users)
    run_(call_user_room_add(user, room, bounds_.rooms_per_user), [all](const redis_value& answer) {
      auto noted = read_done(answer);
      if (failure_in(noted) && !failure_in(all->result)) all->result = std::move(noted);
      if (--all->left == 0) all->next(std::move(all->result));
    });
}

void member_changes::hint(const user_id& user, const room_hinted& what) const {
  run_(call_user_hint(user, write_hint(what)), [](const redis_value&) {});
}

void member_changes::create(const room_create& what, const user_id& owner, then<room_description> next) const {
  auto users = what.members;
  if (!is_system(owner)) users.push_back(owner);
  note(users, what.room, [self = *this, what, owner, next](const outcome<std::monostate>& noted) {
    if (auto* why = failure_in(noted)) return next(*why);
    self.run_(call_room_create(what, owner), [self, what, owner, next](const redis_value& answer) {
      auto made = read_room(answer);
      if (!failure_in(made))
        for (auto& user : what.members)
          if (user != owner) self.hint(user, {0, "added", owner, room_role::member, what.room});
      next(std::move(made));
    });
  });
}

/// Whoever may not, is told before anything is written.
void member_changes::add(const room_add& what, const user_id& by, then<std::monostate> next) const {
  run_(call_room_info(what.room, by), [self = *this, what, by, next](const redis_value& answer) {
    auto room = read_room(answer);
    if (auto* why = failure_in(room)) return next(*why);
    if (!is_system(by) && std::get<room_description>(room).role < room_role::moderator)
      return next(client_error{errc::forbidden, {}, {}, 0});
    self.note({what.user}, what.room, [self, what, by, next](const outcome<std::monostate>& noted) {
      if (auto* why = failure_in(noted)) return next(*why);
      self.add_noted(what, by, next);
    });
  });
}

/// What is noted in the user's list stays if this fails: the user may be a member already, and if not, the next session
/// of theirs finds out.
void member_changes::add_noted(const room_add& what, const user_id& by, then<std::monostate> next) const {
  run_(call_room_add(what, by, bounds_.members_per_room), [self = *this, what, by, next](const redis_value& answer) {
    auto added = read_added(answer);
    if (auto* why = failure_in(added)) return next(*why);
    if (auto seq = std::get<std::optional<seq_number>>(added))
      self.hint(what.user, {*seq, "added", by, what.role.value_or(room_role::member), what.room});
    next(std::monostate{});
  });
}

void member_changes::remove(const room_remove& what, const user_id& by, then<std::monostate> next) const {
  run_(call_room_remove(what, by), [self = *this, what, next](const redis_value& answer) {
    auto removed = read_done(answer);
    if (auto* why = failure_in(removed)) return next(*why);
    self.run_(call_user_room_remove(what.user, {what.room}), [next](const redis_value&) { next(std::monostate{}); });
  });
}

/// To whom it is news that they are in the dialogue, it is told from its beginning if the other one has made it:
/// messages may be there that nobody could push to them.
void member_changes::begin_dialogue(const room_id& room, const user_id& user, const user_id& other,
                                    then<made_dialogue> next) const {
  std::vector<user_id> both;
  if (!is_system(user)) both.push_back(user);
  both.push_back(other);
  note(both, room, [self = *this, room, user, other, next](const outcome<std::monostate>& noted) {
    if (auto* why = failure_in(noted)) return next(*why);
    self.run_(call_dialogue_create(room, user, other), [self, room, user, other, next](const redis_value& answer) {
      auto made = read_dialogue(answer);
      if (auto* it = std::get_if<made_dialogue>(&made)) {
        auto tail = it->room.tail.seq;
        self.hint(other, {it->other_was_member ? 0 : tail, "added", user, room_role::member, room});
        if (other != user && !is_system(user))
          self.hint(user, {it->user_was_member ? 0 : tail, "added", user, room_role::member, room});
      }
      next(std::move(made));
    });
  });
}

} // namespace starling
