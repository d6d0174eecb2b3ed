#include "actors/trace.hpp"

#include <algorithm>
#include <array>
#include <random>

namespace starling {
namespace {

/// How far the system's clock is ahead of the steady one: of a few tries, the one in which nothing came between the
/// readings.
std::chrono::nanoseconds steady_to_unix() {
  using namespace std::chrono;
  nanoseconds result{0}, narrowest = nanoseconds::max();
  for (int tries = 0; tries < 5; ++tries) {
    auto before = steady_clock::now();
    auto system = system_clock::now();
    auto took = steady_clock::now() - before;
    if (took >= narrowest) continue;
    narrowest = took;
    result = system.time_since_epoch() - (before + took / 2).time_since_epoch();
  }
  return result;
}

bool matches(const trace_plan& plan, const room_id& room, const user_id& from, const std::string& key) {
  switch (plan.kind) {
  case trace_kind::room:
    return room == plan.id;
  case trace_kind::user:
    return from == plan.id;
  case trace_kind::message:
    return key == plan.id;
  }
  return false;
}

} // namespace

trace_switches tracer::process_switches;

std::string_view hop_name(hop what) {
  constexpr std::array<std::string_view, 11> names{"received",       "session",  "room",         "router",
                                                   "script sent",    "answered", "acknowledged", "refused",
                                                   "publication in", "encoded",  "written"};
  return names.at(static_cast<std::size_t>(what));
}

tracer::tracer(trace_switches& switches, clock now)
    : switches_(switches), now_(std::move(now)), process_(trace_number(std::random_device{}() | 1U) << 32) {}

/// Lives as long as the process, as the threads that use it may.
tracer& tracer::instance() {
  static auto* const all = new tracer(process_switches);
  return *all;
}

// -- the trace -------------------------------------------------------------------------------------------------------

std::optional<trace_plan> tracer::begin(trace_plan plan) {
  auto now = now_();
  std::lock_guard lock(mutex_);
  if (!is_over(now) && plan.owner != plan_.owner) return plan_;
  stop();
  messages_.clear();
  passed_over_ = 0;
  chosen_ = chosen_in_second_ = 0;
  plan_ = std::move(plan);
  to_unix_ = steady_to_unix();
  choose_until_ = now + plan_.lasts;
  ends_ = choose_until_ + last_way_max;
  switches_.on = true;
  return std::nullopt;
}

bool tracer::start(const std::string& owner) {
  auto now = now_();
  std::lock_guard lock(mutex_);
  if (is_over(now) || owner != plan_.owner) return false;
  return choosing_ = true;
}

bool tracer::end(const std::string& owner) {
  auto now = now_();
  std::lock_guard lock(mutex_);
  if (is_over(now) || owner != plan_.owner) return false;
  stop();
  return true;
}

trace_report tracer::report() {
  auto now = now_();
  std::lock_guard lock(mutex_);
  trace_report result{!is_over(now), {}, passed_over_, to_unix_, now};
  for (auto& [number, one] : messages_)
    result.messages.push_back(one);
  return result;
}

std::chrono::milliseconds tracer::left() {
  auto now = now_();
  std::lock_guard lock(mutex_);
  if (is_over(now)) return std::chrono::milliseconds(0);
  return std::chrono::ceil<std::chrono::milliseconds>(ends_ - now);
}

/// The time, while the trace is not over: whoever is the first to see that it is puts it out.
trace_time tracer::look() {
  auto now = now_();
  std::lock_guard lock(mutex_);
  return is_over(now) ? trace_time{} : now;
}

bool tracer::is_over(trace_time now) {
  if (switches_.on && now >= ends_) stop();
  return !switches_.on;
}

void tracer::stop() {
  switches_.on = false;
  switches_.frames = 0;
  frames_.clear();
  choosing_ = false;
}

// -- the messages ----------------------------------------------------------------------------------------------------

traced_message* tracer::find(trace_number number) {
  auto i = messages_.find(number);
  return i == messages_.end() ? nullptr : &i->second;
}

traced_message* tracer::find_or_add(trace_number number, const room_id& room) {
  if (auto* known = find(number)) return known;
  if (messages_.size() >= messages_max) {
    ++passed_over_;
    return nullptr;
  }
  auto& made = messages_[number];
  made.number = number;
  made.room = room;
  return &made;
}

/// Each hop once, with its first time: what is answered, published or told again has been noted.
void tracer::add(traced_message& to, hop what, trace_time at, std::string detail) {
  auto same = std::find_if(to.hops.begin(), to.hops.end(), [&](const noted_hop& one) { return one.what == what; });
  if (same == to.hops.end())
    to.hops.push_back({what, at, std::move(detail)});
  else
    same->at = std::min(same->at, at);
}

bool tracer::may_choose(trace_time now) {
  if (!choosing_ || now >= choose_until_ || chosen_ >= plan_.count) return false;
  if (now - second_ >= std::chrono::seconds(1)) {
    second_ = now;
    chosen_in_second_ = 0;
  }
  if (chosen_in_second_ < chosen_per_second) return true;
  ++passed_over_;
  return false;
}

trace_number tracer::choose(const room_id& room, const user_id& from, const std::string& key, trace_time received,
                            std::string detail) {
  auto now = now_();
  std::lock_guard lock(mutex_);
  if (is_over(now) || received == trace_time{} || !matches(plan_, room, from, key) || !may_choose(now)) return 0;
  auto number = process_ | (last_ + 1);
  auto* made = find_or_add(number, room);
  if (!made) return 0;
  ++last_;
  ++chosen_;
  ++chosen_in_second_;
  made->from = from;
  add(*made, hop::received, received, {});
  add(*made, hop::session, now, std::move(detail));
  return number;
}

void tracer::note(trace_number number, hop what, std::string detail) {
  auto now = now_();
  std::lock_guard lock(mutex_);
  if (is_over(now)) return;
  if (auto* one = find(number)) add(*one, what, now, std::move(detail));
}

void tracer::note_place(trace_number number, log_position at) {
  std::lock_guard lock(mutex_);
  if (auto* one = find(number)) one->at = at;
}

void tracer::note_mark(trace_number number, const room_id& room, log_position place, trace_time at,
                       std::string detail) {
  std::lock_guard lock(mutex_);
  if (is_over(at)) return;
  auto* one = find_or_add(number, room);
  if (!one) return;
  one->at = place;
  add(*one, hop::publication_in, at, std::move(detail));
}

void tracer::note_encoded(const room_id& room, const log_entry& entry, const frame& bytes, std::size_t receivers) {
  auto now = now_();
  std::lock_guard lock(mutex_);
  if (is_over(now)) return;
  auto traced = std::find_if(messages_.begin(), messages_.end(),
                             [&](auto& one) { return one.second.at == entry.at && one.second.room == room; });
  if (traced == messages_.end() || traced->second.receivers > 0) return;
  auto& one = traced->second;
  one.from = entry.from;
  one.receivers = receivers;
  add(one, hop::encoded, now, {});
  frames_[bytes->data() + bytes->size()] = {bytes, one.number};
  switches_.frames = static_cast<std::uint32_t>(frames_.size());
}

void tracer::note_written(const char* end, trace_time at) {
  std::lock_guard lock(mutex_);
  auto i = frames_.find(end);
  if (i == frames_.end()) return;
  auto* one = find(i->second.number);
  if (!one) return;
  add(*one, hop::written, at, {});
  one->last_written = std::max(one->last_written, at);
  if (++one->written < one->receivers) return;
  frames_.erase(i);
  switches_.frames = static_cast<std::uint32_t>(frames_.size());
}

} // namespace starling
