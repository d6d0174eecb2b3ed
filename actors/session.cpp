#include "actors/session.hpp"

#include <algorithm>
#include <array>

#include "actors/describe.hpp"
#include "actors/trace.hpp"
#include "chat/notifications.hpp"
#include "chat/revocation.hpp"

namespace starling {
namespace {

void log_bug(const redis_value::error& error) {
  if (error_of(error).code == errc::internal) log::error("script.failed", "error=\"{}\"", error.text);
}

} // namespace

void session_state::start(std::shared_ptr<const session_options> options, identity who, session_number number,
                          std::shared_ptr<client> sink, std::shared_ptr<flow_count> under_way) {
  options_ = std::move(options);
  who_ = std::move(who);
  number_ = number;
  sink_ = std::move(sink);
  under_way_ = std::move(under_way);
  bucket_.emplace(options_->limits.requests_per_second, options_->limits.requests_burst);
}

/// However a session ends, those who know it are told: rooms and presence never watch sessions.
session_state::~session_state() {
  if (!options_) return;
  for (auto& [id, room] : rooms_)
    if (room.actor) caf::anon_send(*room.actor, leave_seat{id, number_});
  // Behind what was asked there, and so in time.
  for (auto& id : seating_)
    caf::anon_send(options_->parent, leave_seat{id, number_});
  caf::anon_send(options_->presence, session_ends{who_.user, number_});
}

// -- answering -------------------------------------------------------------------------------------------------------

void session_state::submit(submission& what) {
  for (auto& one : what.requests) {
    asked who{std::move(one.id), what.answers};
    if (tracer::on()) who.trace = trace(one.params, what.received);
    take(std::move(who), one.params);
  }
}

/// Returns the number under which the way of this request is noted; 0: it is not.
std::uint64_t session_state::trace(request_params& what, std::chrono::steady_clock::time_point received) {
  auto* message = std::get_if<message_send>(&what);
  if (!message) return 0;
  message->trace = tracer::instance().choose(message->to.empty() ? message->room : dialogue_of(who_.user, message->to),
                                             who_.user, message->key, received, fmt::format("actor {}", self_->id()));
  return message->trace;
}

void session_state::take(asked who, request_params& what) {
  if (phase_ == phase::opening) {
    early_.emplace_back(std::move(who), std::move(what));
    return;
  }
  if (phase_ == phase::closed && !std::holds_alternative<session_verified>(what))
    return refuse(who, {errc::not_opened, {}, {}, 0});
  if (auto wait = bucket_->take(self_->clock().now())) {
    if (bucket_->refusals() >= options_->limits.refusals_before_close) sink_->close(close_code::policy, "too fast");
    return refuse(who, {errc::too_fast, {}, {}, std::max<std::int64_t>(1, wait->count())});
  }
  std::visit([&](auto& params) { handle(std::move(who), params); }, what);
}

void session_state::answer(const asked& who, std::string_view result) {
  if (who.trace != 0) tracer::instance().note(who.trace, hop::acknowledged);
  finish(who, encode_result(who.id, result));
}

void session_state::refuse(const asked& who, client_error why) {
  auto& entry = starling::describe(why.code);
  note_error_here(entry.text);
  if (who.trace != 0) tracer::instance().note(who.trace, hop::refused, fmt::format("{} {}", entry.code, entry.text));
  finish(who, encode_error(who.id, why));
}

void session_state::finish(const asked& who, std::string payload) {
  auto text = who.answers->add(std::move(payload));
  auto out = text.empty() ? nullptr : make_text_frame(text);
  if (who.held)
    sink_->release(out, who.place);
  else if (out)
    sink_->push_now(out);
  // Reading goes on when half of what was under way is done, so that the socket is not touched for each request.
  if (under_way_->fetch_sub(1) == options_->limits.requests_in_flight / 2 + 1) sink_->resume_reading();
}

/// Nothing but answers leaves until this request is answered: what its rooms or watches push comes after it.
session_state::asked session_state::hold(asked who) {
  sink_->hold();
  who.held = true;
  return who;
}

/// As `hold`, for a request that makes `room` one of the user's. It takes the seat itself, so that the news that the
/// user has this room is passed over until it is answered. The answer goes where the room has given the seat: behind
/// what the client was told by virtue of a seat that it had before, or was about to have; ahead of what the new one
/// brings.
session_state::asked session_state::hold_becoming(asked who, const room_id& room) {
  if (!becoming_) becoming_ = std::make_shared<std::multiset<room_id>>();
  auto leave = [all = becoming_, place = becoming_->insert(room)](void*) { all->erase(place); };
  who.becoming = std::shared_ptr<void>(nullptr, std::move(leave));
  who.place = std::make_shared<const std::string>();
  return hold(std::move(who));
}

// -- asking ----------------------------------------------------------------------------------------------------------

void session_state::run(const asked& who, script_call call, then<const redis_value&> next) {
  self_->request(options_->router, options_->timings.request, std::move(call))
      .then(
          [this, who, next = std::move(next)](const redis_value& answer) {
            if (auto* error = answer.if_error()) {
              log_bug(*error);
              return refuse(who, error_of(*error));
            }
            next(answer);
          },
          [this, who](const caf::error& error) { refuse(who, to_client_error(error)); });
}

void session_state::run_all(std::vector<script_call> calls, then<std::vector<redis_value>> next) {
  struct gathering {
    std::vector<redis_value> answers;
    std::size_t left;
    then<std::vector<redis_value>> next;
  };
  if (calls.empty()) return next({});
  auto all = std::make_shared<gathering>();
  all->answers.resize(calls.size());
  all->left = calls.size();
  all->next = std::move(next);
  auto put = [all](std::size_t i, redis_value answer) {
    if (auto* error = answer.if_error()) log_bug(*error);
    all->answers[i] = std::move(answer);
    if (--all->left == 0) all->next(std::move(all->answers));
  };
  for (std::size_t i = 0; i < calls.size(); ++i)
    self_->request(options_->router, options_->timings.request, std::move(calls[i]))
        .then([put, i](const redis_value& answer) { put(i, answer); },
              [put, i](const caf::error&) { put(i, redis_value::error{"UNAVAILABLE"}); });
}

member_changes session_state::changes() {
  auto run_one = [this](script_call call, std::function<void(const redis_value&)> next) {
    run_all({std::move(call)},
            [next = std::move(next)](const std::vector<redis_value>& answers) { next(answers.front()); });
  };
  return {run_one, options_->limits};
}

member_changes::then<std::monostate> session_state::answer_done(asked who) {
  return [this, who = std::move(who)](const outcome<std::monostate>& done) {
    if (auto* why = std::get_if<client_error>(&done)) return refuse(who, *why);
    answer(who, "{}");
  };
}

/// Goes on if a script said 'OK', else refuses.
void session_state::done(const asked& who, const redis_value& value, const std::function<void()>& next) {
  auto outcome = read_done(value);
  if (auto* why = std::get_if<client_error>(&outcome)) return refuse(who, *why);
  next();
}

void session_state::seat(const room_id& room, first_words words, std::optional<room_description> known,
                         then<outcome<attended>> next, const frame& place) {
  if (std::find(seating_.begin(), seating_.end(), room) == seating_.end()) seating_.push_back(room);
  self_
      ->request(options_->parent, options_->timings.request,
                attend{room, who_.user, number_, sink_, std::move(words), std::move(known), place})
      .then(
          [this, room, next](const attended& seat) {
            std::erase(seating_, room);
            rooms_[room].actor = seat.room;
            next(seat);
          },
          [this, room, next](const caf::error& error) {
            if (error != caf::sec::request_timeout) std::erase(seating_, room); // else it may come yet
            next(to_client_error(error));
          });
}

const room_actor* session_state::seated(const room_id& room) const {
  auto i = rooms_.find(room);
  return i != rooms_.end() && i->second.actor ? &*i->second.actor : nullptr;
}

// -- what others tell ------------------------------------------------------------------------------------------------

void session_state::rooms_have_changed(const rooms_changed& what) {
  if (phase_ != phase::open) { // the list is about to be read, or has just been
    if (!what.hint) rooms_moved_ = what.version;
    return;
  }
  if (!what.hint) {
    if (what.version != rooms_version_) read_rooms_again();
    return;
  }
  auto& hint = *what.hint;
  if (rooms_.contains(hint.room)) return; // through this very session, or heard already
  if (beginning_.contains(hint.room) || (becoming_ && becoming_->contains(hint.room))) return;
  rooms_[hint.room];
  auto greeting = member_notification(hint.room, {0, hint.change, who_.user, hint.by, hint.role});
  seat(hint.room, {make_text_frame(greeting), hint.seq}, {}, [this, room = hint.room](const outcome<attended>& taken) {
    if (auto* why = std::get_if<client_error>(&taken)) {
      if (why->code == errc::unavailable)
        retry_later();
      else
        rooms_.erase(room);
      return;
    }
    // Whoever added the user has noted this; but a session that opened at that moment may have struck it out again.
    run_all({call_user_room_add(who_.user, room, options_->limits.rooms_per_user)}, [](const auto&) {});
  });
}

void session_state::lost_seat(const seat_lost& what) { rooms_.erase(what.room); }

void session_state::lost_room(const room_failed& what) {
  if (seated(what.room)) sink_->close(close_code::internal, "a room failed here: connect again and resume");
}

void session_state::kicked(const session_kicked& what) { sink_->close(close_code::removed, what.reason); }

/// Who has come without a token (mode "open") is only sent away.
void session_state::revoked(const session_revoked& what) {
  if (is_revoked(who_, what.until_s) || !who_.expires) end_revoked();
}

void session_state::end_revoked() { sink_->close(close_code::token_refused, "revoked"); }

std::string session_state::describe() const {
  constexpr std::array<std::string_view, 3> phases{"closed", "opening", "open"};
  json_object it;
  it.add("phase", phases.at(static_cast<std::size_t>(phase_)))
      .add("user", who_.user)
      .add("session", number_)
      .add("requests_under_way", under_way_ ? under_way_->load() : 0)
      .add("requests_early", early_.size())
      .add("refusals", bucket_ ? bucket_->refusals() : 0)
      .add("retrying", retrying_);
  add_list(it, "rooms", rooms_, [](const auto& entry) {
    return json_object()
        .add("room", entry.first)
        .add("seated", entry.second.actor.has_value())
        .add("mark", entry.second.mark)
        .text();
  });
  return it.text();
}

session_actor::behavior_type session(session_self self, std::shared_ptr<const session_options> options, identity who,
                                     session_number number, std::shared_ptr<client> sink,
                                     std::shared_ptr<flow_count> under_way) {
  self->observe("session", who.user);
  auto& state = self->state;
  state.start(std::move(options), std::move(who), number, std::move(sink), std::move(under_way));
  return {
      [&state](const starling::open_unasked&) { state.open_unasked(); },
      [&state](submission& what) { state.submit(what); },
      [&state](const rooms_changed& what) { state.rooms_have_changed(what); },
      [&state](const seat_lost& what) { state.lost_seat(what); },
      [&state](const room_failed& what) { state.lost_room(what); },
      [&state](const retry_rooms&) { state.retry(); },
      [&state](const session_kicked& what) { state.kicked(what); },
      [&state](const session_revoked& what) { state.revoked(what); },
      [self](const connection_ended&) { self->quit(); },
  };
}

} // namespace starling
