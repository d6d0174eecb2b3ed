#include <algorithm>

#include "actors/counters.hpp"
#include "actors/room.hpp"
#include "actors/trace.hpp"
#include "chat/notifications.hpp"

/// How a room follows its log: what it knows of the end, what it reads again, and what it brings to a shard that has
/// come back without it.
namespace starling {

void room_state::feed_is_up(bool restored) {
  phase_ = phase::reading;
  self_->request(options_->router, options_->timings.request, call_tails({{tail_kind::room, id_}}))
      .then(
          [this, restored](const redis_value& answer) {
            if (phase_ != phase::reading) return; // the feed is down again
            auto tails = read_tails(answer);
            auto* list = std::get_if<std::vector<feed_tail>>(&tails);
            if (!list || list->size() != 1) return repair_failed();
            auto& now = list->front();
            if (restored) brought_epoch_ = now.at.epoch;
            if (knows_nothing())
              begin_at(now);
            else if (!restored && has_lost(now))
              return restore(cursor_.last());
            become_ready();
            follow(now);
          },
          [this](const caf::error&) { repair_failed(); });
}

/// Nobody here has seen anything of the log that others may rest on.
bool room_state::knows_nothing() const { return cursor_.last().epoch == 0 || seats_.empty(); }

void room_state::begin_at(const feed_tail& now) {
  // Somebody may be on the way to a seat, with what came up to the cursor: in one epoch it never goes back.
  auto last = cursor_.last();
  if (now.at.epoch != last.epoch || now.at.seq > last.seq) cursor_ = log_cursor(now.at);
  known_.version = now.version;
}

void room_state::become_ready() {
  phase_ = phase::ready;
  failures_ = 0;
  for (auto& what : std::exchange(early_news_, {}))
    news(what);
  for (auto& who : newcomers())
    if (!who->under_way) admit(who);
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
  for (auto& who : newcomers())
    if (!who->under_way) refuse(who, {errc::unavailable, {}, {}, 0});
}

/// The room is elsewhere than the publications said: something was lost on the way, or in the shard.
void room_state::moved(const feed_tail& now) {
  if (phase_ != phase::ready) return; // its end is about to be read
  if (knows_nothing()) return begin_at(now);
  if (has_lost(now)) return feed_is_up(); // or the news have overtaken this tail: another one tells
  if (!awaits_news(now)) follow(now);
}

/// Under load the news may just be late. As long as some come, the log is not read for them: that would only add to it.
bool room_state::awaits_news(const feed_tail& now) {
  constexpr milliseconds patience{500};
  auto last = cursor_.last();
  if (now.at.epoch != last.epoch || now.at.seq <= last.seq) return false;
  auto time = self_->clock().now();
  if (time < next_look_) return true;
  if (std::exchange(seen_at_look_, std::nullopt) == last.seq) return false; // none has come since
  seen_at_look_ = last.seq;
  next_look_ = time + patience;
  self_->delayed_send(self_, patience, feed_moved{{tail_kind::room, id_}, now});
  return true;
}

void room_state::follow(const feed_tail& now) {
  cursor_.saw(now.at);
  if (cursor_.behind()) repair();
  if (now.version > known_.version) {
    known_.version = now.version;
    check_members();
  }
}

/// Has the shard come back with less than is known here, or has another node made the room again, which brought only
/// the members who sit there?
bool room_state::has_lost(const feed_tail& now) const {
  auto epoch = cursor_.last().epoch;
  return now.at.epoch < epoch || now.version < known_.version || began_anew(now.at.epoch);
}

bool room_state::began_anew(std::uint64_t epoch) const {
  return epoch > std::max(cursor_.last().epoch, brought_epoch_);
}

/// Brings the shard what is known here, up to `seen`; what it knows itself stays.
void room_state::restore(log_position seen) {
  if (std::exchange(restoring_, true)) return;
  std::vector<std::pair<user_id, room_role>> members;
  for (auto& s : seats_)
    members.emplace_back(s.user, s.role);
  ++actor_counters::instance().rooms_restored;
  log::warn("room.restored", "room={} epoch={} seq={} members_here={}", id_, seen.epoch, seen.seq, members.size());
  self_->request(options_->router, options_->timings.request, call_room_restore(id_, known_, seen, members))
      .then(
          [this](const redis_value& answer) {
            if (answer.if_error()) return restore_failed();
            restoring_ = false;
            if (phase_ == phase::reading || phase_ == phase::ready) feed_is_up(true);
          },
          [this](const caf::error&) { restore_failed(); });
}

void room_state::restore_failed() {
  restoring_ = false;
  if (phase_ == phase::ready) phase_ = phase::reading; // the retry looks again what the shard knows
  repair_failed();
}

void room_state::retry() {
  if (phase_ == phase::down || phase_ == phase::subscribing) return; // the next feed_up begins anew
  if (phase_ == phase::ready)
    repair();
  else
    feed_is_up();
}

void room_state::repair_failed() {
  constexpr std::chrono::milliseconds wait_min{250}, wait_max{8'000};
  repairing_ = false;
  ++actor_counters::instance().log_reads_failed;
  if (phase_ == phase::reading) {
    go_down();
    phase_ = phase::reading;
  }
  failures_ = std::min(failures_ + 1, 10u);
  self_->delayed_send(self_, std::min(wait_max, wait_min * (1 << failures_)), retry_repair{});
}

/// Reads from the log what comes after the cursor, until it is not behind any more.
void room_state::repair(bool from_start) {
  if (repairing_) return;
  repairing_ = true;
  if (!behind_since_) behind_since_ = cursor_.last().seq;
  ++actor_counters::instance().log_reads;
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
  failures_ = 0;
  auto last = cursor_.last();
  if (!from_start && range->tail.epoch > last.epoch && range->tail.seq < last.seq)
    return repair(true); // a log that began anew: its numbers are lower than ours
  bool anew = !knows_nothing() && began_anew(range->tail.epoch);
  if (range->more) range->entries.resize(options_->limits.history_messages);
  tell(cursor_.fill(std::move(range->entries), range->tail, !range->more));
  if (cursor_.behind())
    repair();
  else if (auto missed_after = std::exchange(behind_since_, std::nullopt))
    log::info("room.repaired", "room={} epoch={} missed_after={} seq={}", id_, cursor_.last().epoch, *missed_after,
              cursor_.last().seq);
  if (anew) restore(last);
}

void room_state::tell(std::vector<log_cursor::step> steps) {
  for (auto& step : steps) {
    if (step.gap) {
      count_gap(*step.gap);
      push(gap_notification(id_, *step.gap), frame_kind::lasting);
    }
    if (step.entry) push(message_notification(id_, *step.entry), frame_kind::lasting, nullptr, &*step.entry);
  }
}

void room_state::count_gap(const log_gap& gap) {
  ++actor_counters::instance().gaps_told;
  log::warn("room.gap", "room={} epoch={} from={} to={}", id_, gap.epoch, gap.from, gap.to);
}

/// Encodes once, for all seats on this node. `entry`: the message that it is, if it is one.
void room_state::push(std::string_view text, frame_kind kind, const user_id* except, const log_entry* entry) {
  if (seats_.empty()) return;
  std::vector<client*> to;
  to.reserve(seats_.size());
  for (auto& s : seats_)
    if (!except || s.user != *except) to.push_back(s.sink.get());
  auto bytes = make_text_frame(text);
  if (entry && tracer::on()) tracer::instance().note_encoded(id_, *entry, bytes, to.size());
  options_->fan->push(to, bytes, kind);
}

} // namespace starling
