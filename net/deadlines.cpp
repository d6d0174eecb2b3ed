#include "net/deadlines.hpp"

#include <algorithm>
#include <utility>

namespace starling::net {

namespace {

// A wait for a token is cut in pieces, so that a changed system clock is noticed and no sum overflows.
constexpr std::chrono::hours wait_max{1};

} // namespace

void deadlines::heard(steady_time now, milliseconds silence) {
  answer_by_ = never;
  ping_at_ = now + silence;
}

bool deadlines::opened(std::optional<system_time> token_ends) {
  if (opened_ && token_ends == token_ends_) return false;
  if (token_ends != token_ends_) warned_ = false;
  opened_ = true;
  token_ends_ = token_ends;
  return true;
}

void deadlines::end_by(steady_time when) {
  if (end_by_ == never) end_by_ = when;
}

deadlines::decision deadlines::look(steady_time now, system_time clock) {
  if (end_by_ != never) return {now >= end_by_ ? due::shut : due::nothing, end_by_};
  if (now >= leave_at_) return {due::leave};
  auto again = leave_at_;
  if (!opened_) {
    auto until = started_ + times_->open;
    if (now >= until) return {upgraded_ ? due::not_opened : due::not_upgraded};
    again = std::min(again, until);
  }
  auto token = look_token(now, clock);
  if (token.what == due::token_expired) return token;
  auto silence = look_silence(now);
  if (silence.what == due::no_answer) return silence;
  again = std::min({again, token.again, silence.again});
  if (token.what == due::nothing) return {silence.what, again};
  // Both at once: the ping goes a tick later.
  if (silence.what == due::ping) {
    answer_by_ = never;
    again = now;
  }
  return {token.what, again};
}

deadlines::decision deadlines::look_silence(steady_time now) {
  if (!upgraded_ || ping_at_ == never) return {};
  if (paused_) return {due::nothing, now + times_->ping};
  if (answer_by_ != never) return {now >= answer_by_ ? due::no_answer : due::nothing, answer_by_};
  if (now < ping_at_) return {due::nothing, ping_at_};
  answer_by_ = now + times_->pong;
  return {due::ping, answer_by_};
}

deadlines::decision deadlines::look_token(steady_time now, system_time clock) {
  if (!token_ends_) return {};
  if (clock >= *token_ends_) return {due::token_expired};
  auto left = token_left(clock);
  auto wait = [&](milliseconds time) { return now + std::min<milliseconds>(time, wait_max); };
  if (left > times_->token_warning) return {due::nothing, wait(left - times_->token_warning)};
  auto warn = !std::exchange(warned_, true);
  return {warn ? due::warn : due::nothing, wait(left)};
}

milliseconds deadlines::token_left(system_time clock) const {
  if (!token_ends_ || clock >= *token_ends_) return milliseconds{0};
  return std::chrono::floor<milliseconds>(*token_ends_ - clock) + milliseconds{1};
}

} // namespace starling::net
