#include "cli/bench/storm.hpp"

#include <algorithm>

#include "cli/bench/fields.hpp"

namespace starling::cli {

using std::chrono::nanoseconds;
using namespace std::chrono_literals;

namespace {

constexpr nanoseconds drops_take = 1s;
constexpr nanoseconds away_for = 1s;
constexpr nanoseconds try_again_after = 250ms;
constexpr std::size_t asked_max = 10; // observers, at the end

} // namespace

storm::storm(const bench_options& options, const dialect& speaks, fleet& clients, run_result& result)
    : options_(options), dialect_(speaks), fleet_(clients), result_(result), seen_(result.storm.emplace()) {
  for (const auto& who : fleet_.clients())
    if (!is_user(who)) book_.watches(who.index, fleet_.part_of(who).watches);
  fleet_.on_heard = [this](client& who, const heard& what, std::string_view text, nanoseconds at) {
    on_heard(who, what, text, at);
  };
  fleet_.on_ended = [this](client& who) { on_ended(who); };
}

void storm::prepare(const std::function<void()>& on_turn) {
  auto deadline = fleet_.now() + options_.timeout;
  while (book_.wrong() > 0 && fleet_.now() < deadline) {
    fleet_.turn(20ms);
    on_turn();
  }
  observers_ready_ = 0;
  for (const auto& who : fleet_.clients())
    observers_ready_ += !is_user(who) && who.at == client::state::ready;
  seen_.words = book_.words();
  seen_.untold_before = book_.untold();
  seen_.wrong_before = book_.wrong();
}

void storm::run(const std::function<void(usage_mark&)>& mark, const std::function<void()>& on_turn) {
  mark(result_.from);
  start_ = fleet_.now();
  fleet_.opened_in = {};
  storming_ = true;
  auto end = return_due(options_.clients - 1) + std::chrono::duration_cast<nanoseconds>(options_.within);
  for (auto now = start_; now < end; now = fleet_.now()) {
    auto next = do_what_is_due(now);
    fleet_.turn(std::min(next, now + 20ms) - fleet_.now());
    note_progress(mark);
    on_turn();
  }
  storming_ = false;
  if (!seen_.right_after) mark(result_.until);
  seen_.wrong = book_.wrong();
  seen_.not_back = options_.clients - users_ready();
  seen_.back_in = fleet_.opened_in;
}

// What is right may turn wrong again, when late news of the drop arrive: only what lasts counts.
void storm::note_progress(const std::function<void(usage_mark&)>& mark) {
  bool all_back = returned_ == options_.clients && users_ready() == options_.clients;
  if (all_back && !seen_.back_after) seen_.back_after = fleet_.now() - start_;
  if (!all_back || book_.wrong() > 0) {
    seen_.right_after.reset();
  } else if (!seen_.right_after) {
    seen_.right_after = fleet_.now() - start_;
    mark(result_.until);
  }
}

nanoseconds storm::drop_due(std::size_t user) const {
  return start_ + drops_take * static_cast<std::int64_t>(user) / static_cast<std::int64_t>(options_.clients);
}

nanoseconds storm::return_due(std::size_t user) const { return drop_due(user) + away_for; }

// A part at a time, so that reading goes on. Returns when the next is due.
nanoseconds storm::do_what_is_due(nanoseconds now) {
  auto& clients = fleet_.clients();
  for (int some = 0; some < 32 && dropped_ < options_.clients && drop_due(dropped_) <= now; ++some) {
    result_.lag.add(fleet_.now() - drop_due(dropped_));
    drop(clients[dropped_++]);
  }
  for (int some = 0; some < 32 && returned_ < dropped_ && return_due(returned_) <= now; ++some) {
    result_.lag.add(fleet_.now() - return_due(returned_));
    fleet_.start(clients[returned_++]);
  }
  for (; !retries_.empty() && retries_.front().due <= now; retries_.pop_front())
    fleet_.start(clients[retries_.front().client]);
  auto next = nanoseconds::max();
  if (dropped_ < options_.clients) next = drop_due(dropped_);
  if (returned_ < options_.clients) next = std::min(next, return_due(returned_));
  return next;
}

void storm::drop(client& who) {
  if (who.index % 4 < 2) // by twos, so that both ways are had on each of two nodes
    fleet_.cut(who);
  else
    fleet_.leave(who);
}

// Observers that end leave their words as they are.
void storm::on_ended(client& who) {
  if (!is_user(who)) {
    ++seen_.observers_ended;
    observers_ready_ -= observers_ready_ > 0;
    return;
  }
  if (!storming_) return;
  ++seen_.failed_returns;
  if (who.index < returned_) retries_.push_back({fleet_.now() + try_again_after, who.index});
}

std::size_t storm::users_ready() const { return fleet_.ready() - observers_ready_; }

void storm::on_heard(client& who, const heard& what, std::string_view text, nanoseconds) {
  if (is_user(who)) return;
  if (what.what == heard::kind::presence) return on_states(who, text);
  if (what.what != heard::kind::reply) return;
  if (auto code = error_code_of(text)) {
    ++result_.errors[*code];
    asked_ -= what.id == ask_id && asked_ > 0;
  } else if (what.id == watch_id) {
    on_states(who, text);
  } else if (what.id == ask_id) {
    on_asked(text);
  }
}

void storm::on_states(const client& who, std::string_view text) {
  each_presence(text, [&](std::string_view name, bool online) {
    auto user = fleet_.index_of(name);
    if (!user) return;
    book_.told(who.index, *user, online);
    if (storming_) ++(online ? seen_.told_online : seen_.told_offline);
  });
}

void storm::verify(const std::function<void()>& on_turn) {
  if (!dialect_.tells_presence_when_asked()) return;
  seen_.asked_wrong = 0;
  for (auto& who : fleet_.clients())
    if (!is_user(who) && asked_ < asked_max)
      asked_ += fleet_.request(who, ask_id, "presence.get", fleet_.users(fleet_.part_of(who).watches));
  auto deadline = fleet_.now() + options_.timeout;
  while (asked_ > 0 && fleet_.now() < deadline) {
    fleet_.turn(20ms);
    on_turn();
  }
}

void storm::on_asked(std::string_view text) {
  asked_ -= asked_ > 0;
  each_presence(text, [&](std::string_view name, bool online) {
    auto user = fleet_.index_of(name);
    if (!user || *user >= options_.clients) return;
    ++seen_.asked;
    bool is = fleet_.clients()[*user].at == client::state::ready;
    *seen_.asked_wrong += is != online;
  });
}

} // namespace starling::cli
