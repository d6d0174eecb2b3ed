#include "cli/bench/load.hpp"

#include <algorithm>
#include <numeric>

#include "cli/bench/fields.hpp"

namespace starling::cli {

using std::chrono::nanoseconds;

namespace {

template <class duration>
nanoseconds in_ns(duration d) {
  return std::chrono::duration_cast<nanoseconds>(d);
}

nanoseconds due_after(std::uint64_t n, double phase, double rate) {
  return in_ns(std::chrono::duration<double>((static_cast<double>(n) + phase) / rate));
}

std::size_t stride_over(std::size_t count) {
  auto stride = std::max<std::size_t>(1, count * 618 / 1000);
  while (std::gcd(stride, count) > 1)
    ++stride;
  return stride;
}

} // namespace

load::load(const bench_options& options, const plan& what, const dialect& speaks, fleet& clients, run_result& result)
    : options_(options), dialect_(speaks), fleet_(clients), result_(result), rooms_(what.rooms) {
  fleet_.on_heard = [this](client& who, const heard& said, std::string_view text, nanoseconds at) {
    on_heard(who, said, text, at);
  };
  fleet_.on_look = [this] { send_due(fleet_.now(), which::urgent); };
  result_.streams.resize(what.streams.size());
  for (std::size_t i = 0; i < what.streams.size(); ++i) {
    const auto& each = what.streams[i];
    result_.streams[i].name = each.name;
    result_.streams[i].urgent = each.urgent;
    flows_.push_back({each, result_.streams[i], 0, {}, 0, stride_over(each.count)});
  }
}

void load::run(const std::function<void(usage_mark&)>& mark, const std::function<void()>& on_turn) {
  start_ = fleet_.now();
  from_ = start_ + in_ns(options_.warmup);
  until_ = from_ + in_ns(options_.seconds);
  for (auto& each : flows_)
    step(each);
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
    if (over && (!next_due(until_, which::all) || now >= until_ + options_.timeout)) break;
    send_due(now, which::all);
    now = fleet_.now();
    auto next = std::min(warm ? until_ : from_, now + std::chrono::milliseconds(200));
    for (const auto& each : flows_)
      next = std::min(next, each.due);
    fleet_.turn(next - now);
    on_turn();
  }
  while (auto* due = next_due(until_, which::all)) { // too far behind
    step(*due);
    ++result_.unsendable;
  }
}

load::flow* load::next_due(nanoseconds now, which of) {
  flow* first = nullptr;
  for (auto& each : flows_) {
    if (of == which::urgent && !each.what.urgent) continue;
    if (each.due <= now && each.due < until_ && (!first || each.due < first->due)) first = &each;
  }
  return first;
}

// A part at a time, so that reading goes on.
void load::send_due(nanoseconds now, which of) {
  flow* due = nullptr;
  for (int some = 0; some < 64 && (due = next_due(now, of)); ++some)
    send(*due);
}

client* load::sender(flow& of) {
  for (std::uint32_t tries = 0; tries < of.what.count; ++tries) {
    of.turn = (of.turn + of.stride) % of.what.count;
    auto& who = fleet_.clients()[of.what.first + of.turn];
    if (who.at == client::state::ready && who.member && room_of(who).usable) return &who;
  }
  return nullptr;
}

void load::send(flow& of) {
  auto* who = sender(of);
  if (who && send(of, *who)) {
    ++result_.sent;
    ++of.result.sent;
  } else {
    ++result_.unsendable;
  }
  step(of);
}

// The second of two streams is due between the messages of the first: were both due at the same moments, the one would
// wait for the other by construction.
void load::step(flow& of) {
  double phase = &of == &flows_.front() ? 0 : 0.5;
  of.due = of.what.rate > 0 ? start_ + due_after(of.said++, phase, of.what.rate) : nanoseconds::max();
}

bool load::send(flow& of, client& who) {
  auto& in = room_of(who);
  if (in_window(of.due)) {
    of.result.wanted_in_window += static_cast<double>(in.members);
    result_.lag.add(fleet_.now() - of.due);
  }
  auto id = first_message_id + book_.size();
  book_.push_back({of.due, static_cast<std::uint32_t>(in.said + 1), static_cast<std::uint32_t>(&of - flows_.data())});
  if (!fleet_.request(who, id, "message.send", params(of, who, in.said + 1))) return false;
  ++in.said;
  return true;
}

std::string load::params(const flow& of, const client& who, std::uint64_t number) {
  std::string text;
  append_stamp(text, {static_cast<std::uint64_t>(of.due.count()), who.index, number});
  text.resize(std::max(text.size(), options_.text_bytes), 'x');
  bool to_user = of.what.in_pairs && dialect_.has_dialogues();
  std::string all = to_user ? R"({"to":")" + fleet_.user(of.what.partner(who.index))
                            : R"({"room":")" + fleet_.room(fleet_.part_of(who).room);
  return all.append(R"(","text":")").append(text).append(R"("})");
}

void load::on_heard(client& who, const heard& what, std::string_view text, nanoseconds at) {
  switch (what.what) {
  case heard::kind::message:
    return on_message(who, text, at);
  case heard::kind::reply:
    return on_reply(who, what.id, text, at);
  case heard::kind::gap:
    ++result_.gaps_told;
    return;
  default:
    return;
  }
}

load::flow& load::flow_of(const client& who) {
  auto* last = &flows_.back();
  for (auto& each : flows_)
    if (who.index - each.what.first < each.what.count) last = &each;
  return *last;
}

void load::on_message(client& who, std::string_view text, nanoseconds at) {
  if (!who.member) return; // nothing is expected of those who stall
  auto sent = stamp_of(text);
  if (!sent) return; // a hello
  auto number = dialect_.number_of(text, sent->number);
  if (!number) {
    result_.numbers_bad = true;
    return;
  }
  switch (who.arrived.add(*number)) {
  case arrival::duplicate:
    ++result_.duplicated;
    return;
  case arrival::late:
    ++result_.out_of_order;
    break;
  case arrival::next:
    break;
  }
  auto& of = flow_of(who);
  ++result_.delivered;
  of.result.delivered_in_window += in_window(at);
  // Between two, the way to the other one is what counts; the sender's own copy does not leave its node.
  bool own_copy = of.what.in_pairs && sent->from == who.index;
  nanoseconds due{static_cast<std::int64_t>(sent->due_ns)};
  if (in_window(due) && !own_copy) of.result.latency.add(at - due);
}

void load::on_reply(client& who, std::uint64_t id, std::string_view text, nanoseconds at) {
  if (id == hello_id) return on_hello(who, text);
  if (id < first_message_id || id - first_message_id >= book_.size()) return;
  const auto& sent = book_[id - first_message_id];
  ++answered_;
  if (auto code = error_code_of(text)) {
    ++result_.errors[*code];
    return;
  }
  auto& in = room_of(who);
  if (!in.sent.add(dialect_.number_of(text, sent.number).value_or(0))) result_.numbers_bad = true;
  ++result_.acknowledged;
  result_.acknowledged_in_window += in_window(at);
  result_.expected += in.members;
  if (in_window(sent.due)) flows_[sent.stream].result.answer.add(at - sent.due);
}

} // namespace starling::cli
