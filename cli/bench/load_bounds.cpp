// Before the load and after it: who is in which room, and what never came.

#include <algorithm>

#include "cli/bench/fields.hpp"
#include "cli/bench/load.hpp"

namespace starling::cli {

namespace {

constexpr double reserved_max = 10'000'000; // messages whose place in the book is made before

} // namespace

void load::prepare() {
  std::vector<std::uint64_t> first(rooms_.size(), UINT64_MAX);
  for (auto& who : fleet_.clients())
    if (who.at == client::state::ready) seat(who, first);
  for (std::size_t i = 0; i < rooms_.size(); ++i)
    rooms_[i].sent = acknowledged(first[i]);
  double messages = 0;
  for (const auto& each : flows_) {
    messages += each.what.rate * (options_.warmup + options_.seconds).count();
    for (auto i = each.what.first; i < each.what.first + each.what.count; ++i) {
      auto& in = room_of(fleet_.clients()[i]);
      in.usable = each.what.in_pairs ? in.members == 2 && !dialect_.has_dialogues() : in.members > 0;
    }
  }
  book_.reserve(static_cast<std::size_t>(std::min(messages + 1, reserved_max)));
  if (dialect_.has_dialogues()) make_dialogues();
  stall();
}

void load::seat(client& who, std::vector<std::uint64_t>& first) {
  const auto& role = fleet_.part_of(who);
  if (role.stalls) return;
  who.member = true;
  ++rooms_[role.room].members;
  auto next = dialect_.has_seqs() ? who.room_seq + 1 : 1;
  first[role.room] = std::min(first[role.room], next);
  who.arrived.start(next);
}

// A dialogue is made by its first message. That is not what we measure, so each gets one before.
void load::make_dialogues() {
  auto& clients = fleet_.clients();
  for (const auto& each : flows_) {
    if (!each.what.in_pairs) continue;
    auto next = each.what.first, end = each.what.first + each.what.count;
    auto deadline = fleet_.now() + options_.timeout;
    while ((next < end || hellos_ > 0) && fleet_.now() < deadline) {
      for (; next < end && hellos_ < options_.concurrency; next += 2) {
        if (room_of(clients[next]).members != 2) continue;
        auto hello = R"({"to":")" + fleet_.user(next + 1) + R"(","text":"hello"})";
        hellos_ += fleet_.request(clients[next], hello_id, "message.send", hello);
        deadline = fleet_.now() + options_.timeout;
      }
      fleet_.turn(std::chrono::milliseconds(20));
    }
  }
}

void load::on_hello(client& who, std::string_view reply) {
  if (hellos_ > 0) --hellos_;
  if (auto code = error_code_of(reply)) {
    ++result_.errors[*code];
    return;
  }
  auto next = number_after(reply, R"("seq":)").value_or(0) + 1;
  auto& in = room_of(who);
  in.sent = acknowledged(next);
  in.usable = true;
  who.arrived.start(next);
  fleet_.clients()[flow_of(who).what.partner(who.index)].arrived.start(next);
}

void load::stall() {
  for (auto& who : fleet_.clients()) {
    if (!fleet_.part_of(who).stalls || who.at != client::state::ready) continue;
    fleet_.read_from(who, false);
    stalled_.push_back(who.index);
  }
}

void load::settle(const std::function<void()>& on_turn) {
  auto deadline = fleet_.now() + options_.timeout;
  while (fleet_.now() < deadline && (answered_ < result_.sent || result_.delivered < result_.expected || lost() > 0)) {
    fleet_.turn(std::chrono::milliseconds(20));
    on_turn();
  }
  result_.unanswered = result_.sent - std::min(result_.sent, answered_);
  result_.lost = lost(&result_.lost_by_closed);
  if (!stalled_.empty()) see_why_stalled_ended(on_turn);
}

// A server's goodbye stands behind all that was not read: read it now. One that has closed has nothing more to send, so
// a second without the end of the connection means that there is none.
void load::see_why_stalled_ended(const std::function<void()>& on_turn) {
  for (auto index : stalled_)
    fleet_.read_from(fleet_.clients()[index], true);
  auto deadline = fleet_.now() + std::chrono::seconds(1);
  while (fleet_.now() < deadline) {
    fleet_.turn(std::chrono::milliseconds(20));
    on_turn();
  }
  result_.stalled.clients = stalled_.size();
  for (auto index : stalled_) {
    const auto& who = fleet_.clients()[index];
    result_.stalled.closed += who.at == client::state::closed;
    result_.stalled.told_too_slow += who.close_code == 4008;
  }
}

std::uint64_t load::lost(std::uint64_t* by_closed) const {
  std::uint64_t sum = 0;
  for (const auto& who : fleet_.clients()) {
    if (!who.member) continue;
    auto count = who.arrived.lost(rooms_[fleet_.part_of(who).room].sent);
    sum += count;
    if (by_closed && who.at == client::state::closed) *by_closed += count;
  }
  return sum;
}

} // namespace starling::cli
