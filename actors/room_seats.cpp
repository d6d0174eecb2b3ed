#include <algorithm>

#include "actors/room.hpp"
#include "chat/notifications.hpp"

/// Who sits in a room on this node, and how one gets a seat.
namespace starling {

caf::result<attended> room_state::attend_seat(attend& what) {
  ++attends_;
  auto promise = self_->make_response_promise<attended>();
  if (phase_ == phase::ready)
    admit(std::move(what), promise);
  else if (phase_ == phase::down)
    refuse(promise, {errc::unavailable, {}, {}, 0});
  else
    wait_for_seat(std::move(what), promise);
  return promise;
}

/// Of each session only the last attempt waits: a session that has lost patience asks again.
void room_state::wait_for_seat(attend what, caf::typed_response_promise<attended> promise) {
  auto same = std::find_if(waiting_.begin(), waiting_.end(),
                           [&](const waiting_attend& w) { return w.what.session == what.session; });
  if (same != waiting_.end()) {
    same->promise.deliver(make_error({errc::unavailable, {}, {}, 0}));
    waiting_.erase(same);
  }
  waiting_.push_back({std::move(what), std::move(promise)});
}

void room_state::refuse(caf::typed_response_promise<attended>& promise, client_error why) {
  promise.deliver(make_error(std::move(why)));
  plan_end();
}

/// Gives the seat when it is known what the room is to the user: the shard is asked, unless the user has just done so.
void room_state::admit(attend what, caf::typed_response_promise<attended> promise) {
  auto keeps_open = on_the_way_.lock();
  if (!keeps_open) on_the_way_ = keeps_open = std::make_shared<int>();
  auto who = std::make_shared<waiting_attend>(waiting_attend{std::move(what), std::move(promise), keeps_open});
  if (auto& known = who->what.known; known && is_up_to_date(*known)) return admit(who, std::move(*known));
  self_->request(options_->router, options_->timings.request, call_room_info(id_, who->what.user))
      .then(
          [this, who](const redis_value& answer) {
            auto outcome = read_room(answer);
            if (auto* why = std::get_if<client_error>(&outcome)) return refuse(who->promise, *why);
            admit(who, std::move(std::get<room_description>(outcome)));
          },
          [this, who](const caf::error& error) { refuse(who->promise, to_client_error(error)); });
}

/// Has nothing been heard here that is newer than what the shard said then? All that comes later will be heard.
bool room_state::is_up_to_date(const room_description& known) const {
  auto epoch = cursor_.last().epoch;
  return known.version >= known_.version && (epoch == 0 || known.tail.epoch == epoch);
}

void room_state::admit(std::shared_ptr<waiting_attend> who, room_description description) {
  if (description.role == room_role::none) return refuse(who->promise, {errc::no_such_room, {}, {}, 0});
  if (seats_.empty() && cursor_.last().epoch == 0) cursor_ = log_cursor(description.tail); // made just now
  auto version = known_.version; // of the members is what the news have told, not what this answer knows
  known_ = description;
  known_.version = version;
  auto from = who->what.words.since.value_or(cursor_.last().seq);
  catch_up(std::move(who), std::move(description), from);
}

void room_state::greet(attend& who) {
  if (who.words.greeting) who.sink->push(std::exchange(who.words.greeting, nullptr), frame_kind::lasting);
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
            constexpr unsigned stalls_max = 3; // then the log has lost what the news told
            auto next = tell_newcomer(who->what, *range, from);
            if (next == from && ++who->stalls == stalls_max) next = skip_for(who->what, from, cursor_.last().seq);
            catch_up(who, description, next);
          },
          [this, who](const caf::error& error) { refuse(who->promise, to_client_error(error)); });
}

/// Returns where the newcomer is then. What comes behind the cursor the room will tell to all seats.
seq_number room_state::tell_newcomer(attend& who, const log_range& range, seq_number from) {
  auto cursor = cursor_.last().seq;
  auto reached = from;
  for (auto& entry : range.entries) {
    if (entry.at.seq > cursor) break;
    if (entry.at.seq > reached + 1) skip_for(who, reached, entry.at.seq - 1);
    greet(who);
    who.sink->push(make_text_frame(message_notification(id_, entry)), frame_kind::lasting);
    reached = entry.at.seq;
  }
  return reached;
}

/// Tells a newcomer that what came after `from`, up to `to`, is gone for good.
seq_number room_state::skip_for(attend& who, seq_number from, seq_number to) {
  log_gap gap{cursor_.last().epoch, from + 1, to};
  count_gap(gap);
  greet(who);
  who.sink->push(make_text_frame(gap_notification(id_, gap)), frame_kind::lasting);
  return to;
}

void room_state::take_seat(waiting_attend& who, room_description description) {
  auto& what = who.what;
  greet(what);
  if (what.words.tail)
    what.sink->push(make_text_frame(available_notification(id_, cursor_.last())), frame_kind::lasting);
  auto place = std::lower_bound(seats_.begin(), seats_.end(), what.session,
                                [](const seat& s, session_number session) { return s.session < session; });
  seat taken{what.session, std::move(what.sink), std::move(what.user), description.role};
  if (place != seats_.end() && place->session == taken.session)
    *place = std::move(taken);
  else
    seats_.insert(place, std::move(taken));
  who.keeps_open.reset();
  if (on_the_way_.expired()) on_the_way_.reset(); // frees what the pointers shared
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
  if (seats_.empty() && waiting_.empty() && on_the_way_.expired())
    self_->send(options_->parent, room_idle{id_, attends_});
}

void room_state::forgotten() {
  self_->send(options_->router, unsubscribe_feed{{tail_kind::room, id_}});
  self_->quit();
}

} // namespace starling
