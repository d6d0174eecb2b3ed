#include <algorithm>

#include "actors/room.hpp"
#include "chat/notifications.hpp"

/// Who sits in a room on this node, and how one gets a seat.
namespace starling {

caf::result<attended> room_state::attend_seat(attend& what) {
  ++attends_;
  auto promise = self_->make_response_promise<attended>();
  auto& place = newcomers_[what.session];
  if (place) {
    place->askers.push_back({promise, std::move(what.place)});
    return promise;
  }
  seat_asker first{promise, std::move(what.place)};
  auto who = place = std::make_shared<newcomer>(newcomer{std::move(what), {std::move(first)}});
  if (phase_ == phase::ready)
    admit(who);
  else if (phase_ == phase::down)
    refuse(who, {errc::unavailable, {}, {}, 0});
  return promise;
}

void room_state::remove_newcomer(const newcomer_ptr& who) {
  who->gone = true;
  newcomers_.erase(who->what.session);
}

std::vector<room_state::newcomer_ptr> room_state::newcomers() const {
  std::vector<newcomer_ptr> all;
  for (auto& [session, who] : newcomers_)
    all.push_back(who);
  return all;
}

void room_state::refuse(const newcomer_ptr& who, const client_error& why) {
  if (who->gone) return;
  remove_newcomer(who);
  for (auto& one : who->askers)
    one.answer.deliver(make_error(why));
  plan_end();
}

/// Gives the seat when it is known what the room is to the user: the shard is asked, unless the user has just done so.
void room_state::admit(const newcomer_ptr& who) {
  who->under_way = true;
  if (auto& known = who->what.known; known && is_up_to_date(*known)) return admit(who, std::move(*known));
  self_->request(options_->router, options_->timings.request, call_room_info(id_, who->what.user))
      .then(
          [this, who](const redis_value& answer) {
            auto outcome = read_room(answer);
            if (auto* why = std::get_if<client_error>(&outcome)) return refuse(who, *why);
            admit(who, std::move(std::get<room_description>(outcome)));
          },
          [this, who](const caf::error& error) { refuse(who, to_client_error(error)); });
}

/// Has nothing been heard here that is newer than what the shard said then? All that comes later will be heard.
bool room_state::is_up_to_date(const room_description& known) const {
  auto epoch = cursor_.last().epoch;
  return known.version >= known_.version && (epoch == 0 || known.tail.epoch == epoch);
}

void room_state::admit(const newcomer_ptr& who, room_description description) {
  if (who->gone) return;
  if (description.role == room_role::none) return refuse(who, {errc::no_such_room, {}, {}, 0});
  if (seats_.empty() && cursor_.last().epoch == 0) cursor_ = log_cursor(description.tail); // made just now
  auto version = known_.version; // of the members is what the news have told, not what this answer knows
  known_ = description;
  known_.version = version;
  who->room = std::move(description);
  if (has_seat(who->what.session)) who->what.words = {}; // has been told everything since
  catch_up(who, who->what.words.since.value_or(cursor_.last().seq));
}

void room_state::greet(attend& who) {
  if (who.words.greeting) who.sink->push(std::exchange(who.words.greeting, nullptr), frame_kind::lasting);
}

/// Brings a newcomer who wants what came after `from` to where the room is, then gives the seat.
void room_state::catch_up(const newcomer_ptr& who, seq_number from) {
  if (from >= cursor_.last().seq) return take_seat(who);
  room_history what{id_, {}, from, options_->limits.history_messages};
  self_->request(options_->router, options_->timings.request, call_room_range(what, {}))
      .then(
          [this, who, from](const redis_value& answer) {
            if (who->gone) return;
            auto outcome = read_range(answer, options_->limits.history_messages);
            auto* range = std::get_if<log_range>(&outcome);
            if (!range) return refuse(who, std::get<client_error>(outcome));
            constexpr unsigned stalls_max = 3; // then the log has lost what the news told
            auto next = tell_newcomer(who->what, *range, from);
            if (next == from && ++who->stalls == stalls_max) next = skip_for(who->what, from, cursor_.last().seq);
            catch_up(who, next);
          },
          [this, who](const caf::error& error) { refuse(who, to_client_error(error)); });
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

std::vector<room_state::seat>::iterator room_state::place_of(session_number session) {
  return std::lower_bound(seats_.begin(), seats_.end(), session,
                          [](const seat& s, session_number number) { return s.session < number; });
}

bool room_state::has_seat(session_number session) {
  auto place = place_of(session);
  return place != seats_.end() && place->session == session;
}

void room_state::take_seat(const newcomer_ptr& who) {
  auto& what = who->what;
  greet(what);
  if (what.words.tail)
    what.sink->push(make_text_frame(available_notification(id_, cursor_.last())), frame_kind::lasting);
  for (auto& one : who->askers)
    if (one.place) what.sink->keep_place(one.place);
  auto place = place_of(what.session);
  seat taken{what.session, std::move(what.sink), std::move(what.user), who->room.role};
  if (place != seats_.end() && place->session == taken.session)
    *place = std::move(taken);
  else
    seats_.insert(place, std::move(taken));
  remove_newcomer(who);
  who->room.tail = cursor_.last();
  for (auto& one : who->askers)
    one.answer.deliver(attended{who->room, room_actor(self_)});
}

void room_state::leave(const leave_seat& what) {
  std::erase_if(seats_, [&](const seat& s) { return s.session == what.session; });
  if (seats_.empty()) seats_.shrink_to_fit();
  if (auto who = newcomers_.find(what.session); who != newcomers_.end())
    remove_newcomer(newcomer_ptr(who->second)); // nobody waits for the answer
  plan_end();
}

/// The user is no member any more. Who is on the way to a seat may be one again, by what the shard has said since.
void room_state::drop_user(const member_changed& event) {
  drop_seats_of(event.user);
  for (auto& who : newcomers())
    if (who->what.user == event.user && who->under_way && who->room.version < event.version && who->room.version > 0)
      refuse(who, {errc::no_such_room, {}, {}, 0});
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
  if (seats_.empty() && newcomers_.empty()) self_->send(options_->parent, room_idle{id_, attends_});
}

void room_state::forgotten() {
  self_->send(options_->router, unsubscribe_feed{{tail_kind::room, id_}});
  self_->quit();
}

} // namespace starling
