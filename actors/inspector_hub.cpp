#include "actors/inspector_hub.hpp"

#include <algorithm>

/// What a hub is asked, and what becomes of an ask. How it keeps its links: inspector_hub_links.cpp.
namespace starling {

inspector_hub_state::~inspector_hub_state() {
  for (auto& [name, one] : processes_)
    if (one.link) caf::anon_send_exit(one.link, caf::exit_reason::user_shutdown);
}

void inspector_hub_state::start(inspector_hub_options options) {
  options_ = std::move(options);
  self_->set_down_handler([this](const caf::down_msg& what) { lost(what); });
  bool is_first = true;
  for (auto& seed : options_.seeds) {
    auto* one = enter(seed.who, seed.where);
    one->is_seed = true;
    one->is_first = std::exchange(is_first, false);
  }
  looked_ = now();
  self_->delayed_send(self_, tick, hub_tick{});
}

caf::result<hub_joined> inspector_hub_state::join() {
  joining_ = self_->make_response_promise<hub_joined>();
  auto promise = joining_;
  tell_joined();
  return promise;
}

void inspector_hub_state::tell_joined() {
  if (!joining_.pending()) return;
  if (first_failure_ && !first_) joining_.deliver(make_error(refusal{refusal_kind::bad_request, *first_failure_, 0}));
  if (!joining_.pending()) return;
  auto is_fresh = [](const auto& each) { return each.second.now == standing::fresh; };
  if (first_ && std::none_of(processes_.begin(), processes_.end(), is_fresh)) joining_.deliver(hub_joined{*first_});
}

caf::result<hub_answer> inspector_hub_state::ask(const hub_ask& what) {
  if (asks_.size() >= asks_max)
    return make_error(refusal{refusal_kind::full, "too many questions at once: " + std::to_string(asks_max), 0});
  asked it{what, self_->make_response_promise<hub_answer>(), {}, {}, now()};
  auto promise = it.answer;
  for (auto& [name, one] : processes_) {
    if (!what.role.empty() && one.who.role != what.role) continue;
    if (!what.process.empty() && one.who.name != what.process) continue;
    it.reports[name].from = one.who;
    it.open.insert(name);
  }
  if (it.open.empty()) {
    promise.deliver(hub_answer{});
    return promise;
  }
  auto which = ++last_ask_;
  auto names = it.open; // the ask may be over when the last has been told at once
  asks_.emplace(which, std::move(it));
  self_->delayed_send(self_, answer_max, hub_deadline{which});
  for (auto& name : names)
    pass_on(which, processes_.at(name));
  return promise;
}

void inspector_hub_state::pass_on(std::uint64_t which, process& one) {
  auto name = key_of(one.who);
  if (one.now == standing::fresh) {
    one.waiting.insert(which);
    return;
  }
  if (one.now == standing::failing || is_silent(one)) return report(which, name, {}, why_not(one));
  auto it = asks_.find(which);
  if (it == asks_.end()) return;
  auto asked_at = now();
  auto& what = it->second.what;
  auto own = what.own.find(one.who.name);
  self_->request(one.link, answer_max, console_ask{what.command, own == what.own.end() ? what.arguments : own->second})
      .then(
          [this, which, name, asked_at, link = one.link.address()](console_answer& answer) {
            heard(link, nullptr, asked_at);
            report(which, name, std::move(answer.result), {});
          },
          [this, which, name, asked_at, link = one.link.address()](const caf::error& why) {
            heard(link, &why, asked_at);
            report(which, name, {}, describe_link_error(self_->system(), why));
          });
}

std::string inspector_hub_state::why_not(const process& one) const {
  if (!is_silent(one)) return one.error;
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now() - one.silent_since).count();
  return "no answer for " + std::to_string(seconds) + " s";
}

/// Takes the first report of each that was asked; the last one of them makes the answer.
void inspector_hub_state::report(std::uint64_t which, const key& from, std::string result, std::string error) {
  auto i = asks_.find(which);
  if (i == asks_.end() || i->second.open.erase(from) == 0) return;
  auto& it = i->second;
  auto& report = it.reports[from];
  if (auto known = processes_.find(from); known != processes_.end()) report.from = known->second.who;
  report.result = std::move(result);
  report.error = std::move(error);
  if (!it.open.empty()) return;
  hub_answer answer;
  for (auto& [name, one] : it.reports)
    answer.processes.push_back(std::move(one));
  auto promise = it.answer;
  asks_.erase(i);
  promise.deliver(std::move(answer));
}

void inspector_hub_state::end_ask(std::uint64_t which) {
  auto i = asks_.find(which);
  if (i == asks_.end()) return;
  auto late = i->second.open;
  for (auto& name : late)
    report(which, name, {}, "no answer in time");
}

inspector_link_maker make_links(caf::actor_system& system, inspector_link_options common) {
  return [&system, common = std::move(common)](const inspector_place& place) {
    auto options = common;
    options.place = place;
    return system.spawn(inspector_link, std::move(options));
  };
}

inspector_hub_actor::behavior_type inspector_hub(inspector_hub_self self, inspector_hub_options options) {
  self->observe("inspector_hub", {});
  auto& state = self->state;
  state.start(std::move(options));
  return {
      [&state](const hub_join&) { return state.join(); },
      [&state](const hub_ask& what) { return state.ask(what); },
      [&state](const hub_tick&) { state.turn(); },
      [&state](const hub_deadline& what) { state.end_ask(what.ask); },
  };
}

} // namespace starling
