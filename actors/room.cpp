#include "actors/room.hpp"

#include <algorithm>

#include "chat/notifications.hpp"

namespace starling {

void room_state::start(room_id id, std::shared_ptr<const room_options> options) {
  id_ = std::move(id);
  options_ = std::move(options);
  self_->send(options_->router, subscribe_feed{{tail_kind::room, id_}, feed_reader(room_actor(self_))});
  plan_end();
}

// -- the feed: what the shard tells ----------------------------------------------------------------------------------

void room_state::feed_is_up(bool restored) {
  phase_ = phase::reading;
  self_->request(options_->router, options_->timings.request, call_tails({{tail_kind::room, id_}}))
      .then(
          [this, restored](const redis_value& answer) {
            auto tails = read_tails(answer);
            auto* list = std::get_if<std::vector<feed_tail>>(&tails);
            if (!list || list->size() != 1) return repair_failed();
            auto now = list->front();
            bool first = cursor_.last().epoch == 0;
            if (first) {
              cursor_ = log_cursor(now.at);
              known_.version = now.version;
            } else if (now.at.epoch == 0 || (now.at.epoch > cursor_.last().epoch && !restored)) {
              return restore(); // in a newer epoch: another node has made it again, with its own members only
            }
            become_ready();
            if (!first) moved(now);
          },
          [this](const caf::error&) { repair_failed(); });
}

void room_state::become_ready() {
  phase_ = phase::ready;
  for (auto& what : std::exchange(early_news_, {}))
    news(what);
  for (auto& who : std::exchange(waiting_, {}))
    admit(std::move(who.what), std::move(who.promise));
}

void room_state::feed_is_down(const feed_down& what) {
  early_news_.clear();
  if (what.shard_away)
    go_down();
  else
    phase_ = phase::subscribing; // who comes meanwhile waits for that
  if (who_) finish_who();
}

void room_state::go_down() {
  phase_ = phase::down;
  for (auto& who : std::exchange(waiting_, {}))
    refuse(who.promise, {errc::unavailable, {}, {}, 0});
}

/// The log ends elsewhere than the publications said: something was lost on the way.
void room_state::moved(const feed_tail& now) {
  if (now.at.epoch == 0 && cursor_.last().epoch != 0) return restore();
  cursor_.saw(now.at);
  if (cursor_.behind()) repair();
  if (now.version != known_.version) {
    known_.version = now.version;
    check_members();
  }
}

/// The shard has come back without this room: make it again from what is known here.
void room_state::restore() {
  std::vector<std::pair<user_id, room_role>> members;
  for (auto& s : seats_)
    members.emplace_back(s.user, s.role);
  log::warn("room.restored", "room={} epoch={} seq={} members_here={}", id_, cursor_.last().epoch, cursor_.last().seq,
            members.size());
  self_->request(options_->router, options_->timings.request, call_room_restore(id_, known_, cursor_.last(), members))
      .then([this](const redis_value& answer) { answer.if_error() ? repair_failed() : feed_is_up(true); },
            [this](const caf::error&) { repair_failed(); });
}

void room_state::retry() {
  if (phase_ == phase::down || phase_ == phase::subscribing) return; // the next feed_up begins anew
  if (phase_ == phase::ready)
    repair();
  else
    feed_is_up();
}

void room_state::repair_failed() {
  repairing_ = false;
  if (phase_ == phase::reading) {
    go_down();
    phase_ = phase::reading;
  }
  self_->delayed_send(self_, std::chrono::milliseconds(500), retry_repair{});
}

/// Reads from the log what comes after the cursor, until it is not behind any more.
void room_state::repair(bool from_start) {
  if (repairing_) return;
  repairing_ = true;
  room_history what{id_, {}, from_start ? 0 : cursor_.last().seq, options_->limits.history_messages};
  self_->request(options_->router, options_->timings.request, call_room_range(what, {}))
      .then([this, from_start](const redis_value& answer) { repaired(answer, from_start); },
            [this](const caf::error&) { repair_failed(); });
}

void room_state::repaired(const redis_value& answer, bool from_start) {
  auto outcome = read_range(answer, options_->limits.history_messages);
  auto* range = std::get_if<log_range>(&outcome);
  if (!range) return repair_failed();
  repairing_ = false;
  auto last = cursor_.last();
  if (!from_start && range->tail.epoch > last.epoch && range->tail.seq < last.seq)
    return repair(true); // a log that began anew: its numbers are lower than ours
  if (range->more) range->entries.resize(options_->limits.history_messages);
  tell(cursor_.fill(std::move(range->entries), range->tail, !range->more));
  if (cursor_.behind()) repair();
}

void room_state::tell(std::vector<log_cursor::step> steps) {
  for (auto& step : steps) {
    if (step.gap) {
      log::warn("room.gap", "room={} epoch={} from={} to={}", id_, step.gap->epoch, step.gap->from, step.gap->to);
      push(gap_notification(id_, *step.gap), frame_kind::lasting);
    }
    if (step.entry) push(message_notification(id_, *step.entry), frame_kind::lasting);
  }
}

/// Encodes once, for all seats on this node.
void room_state::push(std::string_view text, frame_kind kind, const user_id* except) {
  if (seats_.empty()) return;
  std::vector<client*> to;
  to.reserve(seats_.size());
  for (auto& s : seats_)
    if (!except || s.user != *except) to.push_back(s.sink.get());
  options_->fan->push(to, make_text_frame(text), kind);
}

// -- seats -----------------------------------------------------------------------------------------------------------

caf::result<attended> room_state::attend_seat(attend& what) {
  ++attends_;
  auto promise = self_->make_response_promise<attended>();
  if (phase_ == phase::ready)
    admit(std::move(what), promise);
  else if (phase_ == phase::down)
    refuse(promise, {errc::unavailable, {}, {}, 0});
  else
    waiting_.push_back({std::move(what), promise});
  return promise;
}

void room_state::refuse(caf::typed_response_promise<attended>& promise, client_error why) {
  promise.deliver(make_error(std::move(why)));
  plan_end();
}

/// Asks the shard whether the user is a member, then gives the seat.
void room_state::admit(attend what, caf::typed_response_promise<attended> promise) {
  auto call = call_room_info(id_, what.user);
  auto who = std::make_shared<waiting_attend>(waiting_attend{std::move(what), std::move(promise)});
  self_->request(options_->router, options_->timings.request, std::move(call))
      .then(
          [this, who](const redis_value& answer) {
            auto outcome = read_room(answer);
            if (auto* why = std::get_if<client_error>(&outcome)) return refuse(who->promise, *why);
            auto& description = std::get<room_description>(outcome);
            if (description.role == room_role::none) return refuse(who->promise, {errc::no_such_room, {}, {}, 0});
            if (seats_.empty() && cursor_.last().epoch == 0) cursor_ = log_cursor(description.tail); // made just now
            auto version = known_.version; // of the members is what the news have told, not what this answer knows
            known_ = description;
            known_.version = version;
            auto from = who->what.since.value_or(cursor_.last().seq);
            catch_up(who, std::move(description), from);
          },
          [this, who](const caf::error& error) { refuse(who->promise, to_client_error(error)); });
}

/// Brings a newcomer who wants what came after `from` to where the room is, then gives the seat.
void room_state::catch_up(std::shared_ptr<waiting_attend> who, room_description description, seq_number from) {
  if (from >= cursor_.last().seq) return take_seat(*who, std::move(description));
  room_history what{id_, {}, from, options_->limits.history_messages};
  self_->request(options_->router, options_->timings.request, call_room_range(what, {}))
      .then(
          [this, who, from, description](const redis_value& answer) {
            auto outcome = read_range(answer, options_->limits.history_messages);
            auto* range = std::get_if<log_range>(&outcome);
            if (!range) return refuse(who->promise, std::get<client_error>(outcome));
            auto next = range->more ? from : cursor_.last().seq;
            for (auto& entry : range->entries) {
              if (entry.at.seq > cursor_.last().seq) break; // the room will tell it to all seats
              if (who->what.greeting)
                who->what.sink->push(std::exchange(who->what.greeting, nullptr), frame_kind::lasting);
              who->what.sink->push(make_text_frame(message_notification(id_, entry)), frame_kind::lasting);
              next = std::max(next, entry.at.seq);
            }
            catch_up(who, description, next);
          },
          [this, who](const caf::error& error) { refuse(who->promise, to_client_error(error)); });
}

void room_state::take_seat(waiting_attend& who, room_description description) {
  auto& what = who.what;
  if (what.greeting) what.sink->push(what.greeting, frame_kind::lasting);
  auto place = std::lower_bound(seats_.begin(), seats_.end(), what.session,
                                [](const seat& s, session_number session) { return s.session < session; });
  seat taken{what.session, std::move(what.sink), std::move(what.user), description.role};
  if (place != seats_.end() && place->session == taken.session)
    *place = std::move(taken);
  else
    seats_.insert(place, std::move(taken));
  description.tail = cursor_.last();
  who.promise.deliver(attended{std::move(description), room_actor(self_)});
}

void room_state::leave(const leave_seat& what) {
  std::erase_if(seats_, [&](const seat& s) { return s.session == what.session; });
  if (seats_.empty()) seats_.shrink_to_fit();
  plan_end();
}

void room_state::drop_seats_of(const user_id& user) {
  if (std::erase_if(seats_, [&](const seat& s) { return s.user == user; }) == 0) return;
  self_->send(options_->presence, seat_lost{user, id_});
  plan_end();
}

void room_state::plan_end() {
  if (seats_.empty()) self_->delayed_send(self_, options_->timings.room_idle, end_if_idle{});
}

void room_state::maybe_end() {
  if (seats_.empty() && waiting_.empty()) self_->send(options_->parent, room_idle{id_, attends_});
}

void room_state::forgotten() {
  self_->send(options_->router, unsubscribe_feed{{tail_kind::room, id_}});
  self_->quit();
}

// -- what members do -------------------------------------------------------------------------------------------------

caf::result<redis_value> room_state::post(room_post& what) {
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
  if (typed_.contains(what.user) || typed_.size() >= remembered_max) return;
  typed_[what.user] = now;
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
    if (early_news_.size() < early_news_max) early_news_.push_back(what);
    return;
  }
  if (phase_ != phase::ready) return;
  for (auto& payload : what.payloads)
    if (auto event = read_bus(payload)) std::visit([this](auto& e) { handle(e); }, *event);
}

void room_state::handle(message_logged& event) {
  tell(cursor_.offer(std::move(event.entry)));
  if (cursor_.behind()) repair();
}

void room_state::handle(member_changed& event) {
  bool missed_some = event.version > known_.version + 1;
  if (event.version > known_.version) known_.version = event.version;
  // Those who come are told by their own sessions, together with what they need to begin with.
  bool comes = event.change == "joined" || event.change == "added";
  push(member_notification(id_, event), frame_kind::lasting, comes ? &event.user : nullptr);
  if (event.role == room_role::none) drop_seats_of(event.user);
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
