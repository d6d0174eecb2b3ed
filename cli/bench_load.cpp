#include "cli/bench_load.hpp"

#include <algorithm>
#include <numeric>

#include "cli/bench_fields.hpp"

namespace starling::cli {

using std::chrono::nanoseconds;

namespace {

constexpr std::uint64_t hello_id = 3; // far below what the run's clock gives as ids

template <class duration>
nanoseconds in_ns(duration d) {
  return std::chrono::duration_cast<nanoseconds>(d);
}

} // namespace

load::load(const bench_options& options, fleet& clients, run_result& result)
    : options_(options), fleet_(clients), result_(result), rooms_(clients.rooms()) {
  fleet_.on_json = [this](client& who, std::string_view json, nanoseconds at) { on_json(who, json, at); };
  auto count = fleet_.clients().size();
  stride_ = std::max<std::size_t>(1, count * 618 / 1000);
  while (std::gcd(stride_, count) != 1)
    ++stride_;
}

void load::prepare() {
  auto& clients = fleet_.clients();
  std::vector<std::uint64_t> first(rooms_.size(), UINT64_MAX);
  for (auto& who : clients) {
    if (who.at != client::state::ready) continue;
    who.member = true;
    ++rooms_[who.room].members;
    first[who.room] = std::min(first[who.room], who.room_seq + 1);
    who.arrived.start(who.room_seq + 1);
  }
  for (std::size_t i = 0; i < rooms_.size(); ++i) {
    rooms_[i].sent = acknowledged(first[i]);
    rooms_[i].usable = options_.what == scenario::fanout && rooms_[i].members > 0;
  }
  if (options_.what != scenario::pairs) return;

  // A dialogue is made by its first message. That is not what we measure, so each gets one before.
  auto deadline = fleet_.now() + options_.timeout;
  for (std::size_t next = 0; (next < rooms_.size() || hellos_ > 0) && fleet_.now() < deadline;) {
    while (next < rooms_.size() && hellos_ < options_.concurrency) {
      auto i = next++;
      if (rooms_[i].members != 2) continue;
      auto to = fleet_.user(2 * i + 1);
      hellos_ += fleet_.send(clients[2 * i], R"({"jsonrpc":"2.0","id":3,"method":"message.send","params":{"to":")" +
                                                 to + R"(","text":"hello"}})");
      deadline = fleet_.now() + options_.timeout;
    }
    fleet_.turn(std::chrono::milliseconds(20));
  }
}

void load::on_hello(client& who, std::string_view reply) {
  if (hellos_ > 0) --hellos_;
  if (auto code = error_code_of(reply)) {
    ++result_.errors[*code];
    return;
  }
  auto next = number_after(reply, R"("seq":)").value_or(0) + 1;
  rooms_[who.room].sent = acknowledged(next);
  rooms_[who.room].usable = true;
  for (std::size_t i = 2 * who.room; i < 2 * who.room + 2; ++i)
    fleet_.clients()[i].arrived.start(next);
}

void load::run(const std::function<void(usage_mark&)>& mark, const std::function<void()>& on_turn) {
  auto start = fleet_.now();
  from_ = start + in_ns(options_.warmup);
  until_ = from_ + in_ns(options_.seconds);
  auto due_at = [&](std::uint64_t n) {
    return start + in_ns(std::chrono::duration<double>(static_cast<double>(n) / options_.rate));
  };
  std::uint64_t sent = 0;
  auto due = start;
  bool warm = false, over = false;
  while (true) {
    auto now = fleet_.now();
    if (!warm && now >= from_) {
      mark(result_.from);
      warm = true;
    }
    if (!over && now >= until_) {
      mark(result_.until);
      over = true;
    }
    // What was due and is still unsent when the window ends is sent too: left out, the slowest would not count.
    if (over && (due >= until_ || now >= until_ + options_.timeout)) break;
    // A part of what is due at a time, so that reading goes on.
    for (int some = 0; some < 64 && due <= now && due < until_; ++some) {
      send(due);
      due = due_at(++sent);
    }
    now = fleet_.now();
    auto next = std::min({due, warm ? until_ : from_, now + std::chrono::milliseconds(200)});
    fleet_.turn(next - now);
    on_turn();
  }
  for (; due < until_; due = due_at(++sent))
    ++result_.unsendable; // too far behind
}

client* load::sender() {
  auto& clients = fleet_.clients();
  for (std::size_t tries = 0; tries < clients.size(); ++tries) {
    turn_ = (turn_ + stride_) % clients.size();
    auto& who = clients[turn_];
    if (who.at == client::state::ready && rooms_[who.room].usable) return &who;
  }
  return nullptr;
}

void load::send(nanoseconds due) {
  auto* who = sender();
  if (!who) {
    ++result_.unsendable;
    return;
  }
  auto stamp = "@" + std::to_string(due.count()) + "." + std::to_string(who->index) + "@";
  padding_.assign(options_.text_bytes - std::min(options_.text_bytes, stamp.size()), 'x');
  json_.assign(R"({"jsonrpc":"2.0","id":)").append(std::to_string(due.count()));
  if (options_.what == scenario::pairs)
    json_.append(R"(,"method":"message.send","params":{"to":")").append(fleet_.user(who->index ^ 1u));
  else
    json_.append(R"(,"method":"message.send","params":{"room":")").append(fleet_.room(who->room));
  json_.append(R"(","text":")").append(stamp).append(padding_).append(R"("}})");
  if (in_window(due)) {
    result_.wanted_in_window += static_cast<double>(rooms_[who->room].members);
    result_.lag.add(fleet_.now() - due);
  }
  if (fleet_.send(*who, json_))
    ++result_.sent;
  else
    ++result_.unsendable;
}

void load::on_json(client& who, std::string_view json, nanoseconds at) {
  switch (sort_of(json)) {
  case frame_sort::message:
    return on_message(who, json, at);
  case frame_sort::reply:
    return on_reply(who, json, at);
  case frame_sort::gap:
    ++result_.gaps_told;
    return;
  default:
    return;
  }
}

void load::on_message(client& who, std::string_view json, nanoseconds at) {
  auto sent = stamp_of(json);
  auto seq = number_after(json, R"("seq":)");
  if (!sent) return; // a hello
  if (!seq) {
    result_.seqs_bad = true;
    return;
  }
  switch (who.arrived.add(*seq)) {
  case arrival::duplicate:
    ++result_.duplicated;
    return;
  case arrival::late:
    ++result_.out_of_order;
    break;
  case arrival::next:
    break;
  }
  ++result_.delivered;
  result_.delivered_in_window += in_window(at);
  // In a dialogue, the way to the other one is what counts; the sender's own copy does not leave its node.
  bool own_copy = options_.what == scenario::pairs && sent->from == who.index;
  nanoseconds due{static_cast<std::int64_t>(sent->due_ns)};
  if (in_window(due) && !own_copy) result_.latency.add(at - due);
}

void load::on_reply(client& who, std::string_view json, nanoseconds at) {
  auto id = number_after(json, R"("id":)").value_or(0);
  if (id == hello_id) return on_hello(who, json);
  ++answered_;
  if (auto code = error_code_of(json)) {
    ++result_.errors[*code];
    return;
  }
  auto& in = rooms_[who.room];
  if (!in.sent.add(number_after(json, R"("seq":)").value_or(0))) result_.seqs_bad = true;
  ++result_.acknowledged;
  result_.acknowledged_in_window += in_window(at);
  result_.expected += in.members;
  nanoseconds due{static_cast<std::int64_t>(id)};
  if (in_window(due)) result_.answer.add(at - due);
}

void load::settle(const std::function<void()>& on_turn) {
  auto deadline = fleet_.now() + options_.timeout;
  while (fleet_.now() < deadline && (answered_ < result_.sent || result_.delivered < result_.expected || lost() > 0)) {
    fleet_.turn(std::chrono::milliseconds(20));
    on_turn();
  }
  result_.unanswered = result_.sent - std::min(result_.sent, answered_);
  result_.lost = lost(&result_.lost_by_closed);
}

std::uint64_t load::lost(std::uint64_t* by_closed) const {
  std::uint64_t sum = 0;
  for (const auto& who : fleet_.clients()) {
    if (!who.member) continue;
    auto count = who.arrived.lost(rooms_[who.room].sent);
    sum += count;
    if (by_closed && who.at == client::state::closed) *by_closed += count;
  }
  return sum;
}

} // namespace starling::cli
