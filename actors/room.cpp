#include "actors/room.hpp"

#include <algorithm>
#include <array>
#include <thread>

#include "actors/counters.hpp"
#include "actors/describe.hpp"
#include "actors/trace.hpp"
#include "chat/notifications.hpp"

namespace starling {

void room_state::start(room_id id, std::shared_ptr<const room_options> options) {
  id_ = std::move(id);
  options_ = std::move(options);
  self_->send(options_->router, subscribe_feed{{tail_kind::room, id_}, feed_reader(room_actor(self_))});
  // Its end is planned when a seat is refused or left: somebody is about to ask for one.
}

// -- what members do -------------------------------------------------------------------------------------------------

/// Is as slow as the configuration wants it, so that it can be seen how that looks.
void room_state::drill() const {
  if (options_->drill.slow_room.empty() || options_->drill.slow_room != id_) return;
  std::this_thread::sleep_for(options_->drill.slow_room_by);
}

caf::result<redis_value> room_state::post(room_post& what) {
  drill();
  if (what.what.trace != 0) tracer::instance().note(what.what.trace, hop::room, fmt::format("actor {}", self_->id()));
  return self_->delegate(options_->router,
                         call_append(what.what, what.from, cursor_.last(), options_->limits.log_messages,
                                     options_->timings.idempotency.count()));
}

void room_state::publish(std::string payload) {
  // Nobody waits for the answer, and what does not arrive is not missed: nothing to do on failure either.
  self_->request(options_->router, options_->timings.request, call_publish(id_, std::move(payload)))
      .then([](const redis_value&) {}, [](const caf::error&) {});
}

void room_state::typing(const typing_here& what) {
  constexpr auto apart = std::chrono::seconds(1);
  constexpr std::size_t remembered_max = 1000;
  auto now = self_->clock().now();
  std::erase_if(typed_, [&](auto& entry) { return now - entry.second >= apart; });
  bool just_now = std::any_of(typed_.begin(), typed_.end(), [&](auto& entry) { return entry.first == what.user; });
  if (just_now || typed_.size() >= remembered_max) return;
  typed_.emplace_back(what.user, now);
  publish(write_typing(what.user));
}

void room_state::read(const read_here& what) { publish(write_read(what.user, what.seq)); }

/// Asks all nodes that listen to the room, this one included: who is there is known only where they are connected.
caf::result<std::vector<user_id>> room_state::who() {
  auto promise = self_->make_response_promise<std::vector<user_id>>();
  if (phase_ != phase::ready) {
    promise.deliver(make_error({errc::unavailable, {}, {}, 0}));
    return promise;
  }
  if (!who_) {
    who_ = std::make_unique<who_query>();
    auto number = who_->number = ++who_number_;
    self_
        ->request(options_->router, options_->timings.request,
                  call_publish(id_, write_who_asked(options_->node, number)))
        .then(
            [this, number](const redis_value& reached) {
              if (!who_ || who_->number != number) return;
              if (reached.if_error()) return finish_who();
              who_->expected = reached.to_int();
              if (who_->told >= who_->expected) finish_who();
            },
            [this, number](const caf::error&) { who_ends(number); });
    self_->delayed_send(self_, options_->timings.who, who_timeout{number});
  }
  who_->askers.push_back(promise);
  return promise;
}

void room_state::who_ends(std::uint64_t number) {
  if (who_ && who_->number == number) finish_who();
}

void room_state::finish_who() {
  auto query = std::move(who_);
  std::vector<user_id> users(query->users.begin(), query->users.end());
  for (auto& asker : query->askers) {
    if (query->told == 0)
      asker.deliver(make_error({errc::unavailable, {}, {}, 0}));
    else
      asker.deliver(users);
  }
}

// -- news ------------------------------------------------------------------------------------------------------------

void room_state::news(const feed_news& what) {
  if (phase_ == phase::reading) {
    // The shard is being asked how far the log is: what comes meanwhile may be newer than its answer.
    if (early_news_.size() < early_news_max)
      early_news_.push_back(what);
    else
      ++actor_counters::instance().early_news_dropped;
    return;
  }
  if (phase_ != phase::ready) return;
  for (auto& payload : what.payloads)
    if (auto event = read_bus(payload)) std::visit([this](auto& e) { handle(e); }, *event);
}

void room_state::handle(message_logged& event) {
  auto before = cursor_.last();
  bool anew = !knows_nothing() && began_anew(event.entry.at.epoch);
  tell(cursor_.offer(std::move(event.entry)));
  if (cursor_.behind()) repair();
  if (anew) restore(before);
}

void room_state::handle(member_changed& event) {
  bool missed_some = event.version > known_.version + 1;
  if (event.version > known_.version) known_.version = event.version;
  // Those who come are told by their own sessions, together with what they need to begin with.
  bool comes = event.change == "joined" || event.change == "added";
  push(member_notification(id_, event), frame_kind::lasting, comes ? &event.user : nullptr);
  if (event.role == room_role::none) drop_user(event);
  for (auto& s : seats_)
    if (s.user == event.user) s.role = event.role;
  if (missed_some) check_members();
}

void room_state::handle(member_typing& event) {
  push(typing_notification(id_, event.user), frame_kind::ephemeral, &event.user);
}

void room_state::handle(member_read& event) {
  push(read_notification(id_, event.user, event.seq), frame_kind::ephemeral);
}

void room_state::handle(who_asked& event) {
  std::set<user_id> users;
  for (auto& s : seats_)
    if (users.size() < options_->limits.who_users) users.insert(s.user);
  publish(write_who_told(event.node, event.number, {users.begin(), users.end()}));
}

void room_state::handle(who_told& event) {
  if (!who_ || event.node != options_->node || event.number != who_->number) return;
  who_->users.insert(event.users.begin(), event.users.end());
  ++who_->told;
  if (who_->expected >= 0 && who_->told >= who_->expected) finish_who();
}

/// Some change of the members was not heard: ask the shard about each user who sits here.
void room_state::check_members() {
  std::set<user_id> users;
  for (auto& s : seats_)
    users.insert(s.user);
  for (auto& user : users)
    self_->request(options_->router, options_->timings.request, call_room_info(id_, user))
        .then(
            [this, user](const redis_value& answer) {
              if (answer.if_error()) return;
              auto outcome = read_room(answer);
              auto* description = std::get_if<room_description>(&outcome);
              if (description && description->role != room_role::none) return;
              member_changed gone{0, "removed", user, user, room_role::none};
              push(member_notification(id_, gone), frame_kind::lasting);
              drop_seats_of(user);
            },
            [](const caf::error&) {}); // the next check of the tail asks again
}

std::string room_state::describe() const {
  constexpr std::array<std::string_view, 4> phases{"subscribing", "reading", "ready", "down"};
  json_object it;
  it.add("phase", phases.at(static_cast<std::size_t>(phase_)))
      .add("channel", channel_of({tail_kind::room, id_}))
      .add("epoch", cursor_.last().epoch)
      .add("seq", cursor_.last().seq)
      .add("behind", cursor_.behind())
      .add("repairing", repairing_)
      .add("restoring", restoring_)
      .add("failures", static_cast<std::uint64_t>(failures_))
      .add("members", known_.members)
      .add("members_version", known_.version)
      .add("coming", newcomers_.size());
  add_list(it, "seats", seats_, [](const seat& one) {
    return json_object().add("user", one.user).add("session", one.session).add("role", name_of(one.role)).text();
  });
  return it.text();
}

room_actor::behavior_type room(room_self self, room_id id, std::shared_ptr<const room_options> options) {
  self->observe("room", id);
  auto& state = self->state;
  state.start(std::move(id), std::move(options));
  return {
      [&state](attend& what) { return state.attend_seat(what); },
      [&state](const leave_seat& what) { state.leave(what); },
      [&state](room_post& what) { return state.post(what); },
      [&state](const typing_here& what) { state.typing(what); },
      [&state](const read_here& what) { state.read(what); },
      [&state](const who_is_here&) { return state.who(); },
      [&state](const who_timeout& what) { state.who_ends(what.number); },
      [&state](const feed_up&) { state.feed_is_up(); },
      [&state](const feed_news& what) { state.news(what); },
      [&state](const feed_moved& what) { state.moved(what.now); },
      [&state](const feed_down& what) { state.feed_is_down(what); },
      [&state](const retry_repair&) { state.retry(); },
      [&state](const end_if_idle&) { state.maybe_end(); },
      [&state](const room_forgotten&) { state.forgotten(); },
  };
}

} // namespace starling
