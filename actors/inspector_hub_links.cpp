#include <nlohmann/json.hpp>

#include "actors/inspector_hub.hpp"

/// How a hub finds processes, joins them, and notices that they have gone or stand still.
namespace starling {
namespace {

using nlohmann::json;

// All steps of a link, each of which has its own patience; for a link that says nothing at all.
constexpr milliseconds join_max{1'500};

std::optional<std::vector<inspected_process>> read_processes(const std::string& text) {
  auto parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("processes") || !parsed["processes"].is_array()) return std::nullopt;
  std::vector<inspected_process> result;
  const auto& list = parsed["processes"];
  for (auto& one : list) {
    if (!one.is_object()) return std::nullopt;
    inspected_process each;
    auto read = [&](const char* name, auto& value) {
      auto i = one.find(name);
      if (i != one.end() && (i->is_string() || i->is_number_unsigned())) i->get_to(value);
    };
    try {
      read("role", each.role);
      read("name", each.name);
      read("incarnation", each.incarnation);
      read("inspect", each.inspect);
    } catch (const json::exception&) {
      return std::nullopt; // text where a number stands, or the other way round
    }
    result.push_back(std::move(each));
  }
  return result;
}

std::optional<inspector_place> place_of(const inspected_process& who) {
  auto where = parse_host_port(who.inspect);
  if (!where) return std::nullopt;
  return inspector_place{*where, false, {}};
}

} // namespace

inspector_hub_state::process* inspector_hub_state::enter(const inspected_process& who,
                                                         std::optional<inspector_place> where) {
  auto& one = processes_[key_of(who)];
  one.who = who;
  one.where = std::move(where);
  attempt(one);
  return &one;
}

void inspector_hub_state::attempt(process& one) {
  if (!one.where) {
    one.now = standing::failing;
    one.error = "it lets no console in (inspect.listen)";
    return settle(one);
  }
  one.link = options_.make_link(*one.where);
  self_->monitor(one.link);
  self_->request(one.link, join_max, link_now{})
      .then([this, link = one.link](const console_joined& answer) { joined(link, answer); },
            [this, link = one.link.address()](const caf::error& why) {
              failed(link, describe_link_error(self_->system(), why));
            });
}

inspector_hub_state::process* inspector_hub_state::behind(const caf::actor_addr& link) {
  for (auto& [name, one] : processes_)
    if (one.link && one.link.address() == link) return &one;
  return nullptr;
}

void inspector_hub_state::drop_link(process& one) {
  if (!one.link) return;
  self_->demonitor(one.link.address());
  caf::anon_send_exit(one.link, caf::exit_reason::user_shutdown);
  one.link = nullptr;
  one.silent_since = {};
  one.questioned = false;
}

void inspector_hub_state::joined(const inspector_link_actor& link, const console_joined& answer) {
  auto* one = behind(link.address());
  if (!one) return; // given up meanwhile
  if (one->who.name.empty()) {
    rename(*one, answer.self);
    one = behind(link.address());
  }
  if (key_of(one->who) != key_of(answer.self))
    return failed(link.address(), "another process is there: " + answer.self.role + " " + answer.self.name);
  // A node that was declared dead goes on as another incarnation, which its inspector does not know of.
  one->who.incarnation = std::max(one->who.incarnation, answer.self.incarnation);
  one->now = standing::joined;
  one->error.clear();
  one->pause = pause_min;
  if (one->is_first) first_ = one->who;
  auto by_master = one->where->is_master;
  settle(*one);
  learn(answer.others, by_master);
  tell_joined();
}

/// The first, which was known by its address only, has said who it is.
void inspector_hub_state::rename(process& one, const inspected_process& self) {
  auto before = key_of(one.who), after = key_of(self);
  if (auto known = processes_.find(after); known != processes_.end()) {
    drop_link(known->second);
    processes_.erase(known);
  }
  auto entry = processes_.extract(before);
  entry.key() = after;
  entry.mapped().who = self;
  for (auto which : entry.mapped().waiting) {
    auto it = asks_.find(which);
    if (it == asks_.end()) continue;
    it->second.reports.erase(before);
    if (it->second.open.erase(before) != 0) it->second.open.insert(after);
  }
  processes_.insert(std::move(entry));
}

void inspector_hub_state::failed(const caf::actor_addr& link, const std::string& why) {
  auto* one = behind(link);
  if (!one) return;
  drop_link(*one);
  one->now = standing::failing;
  one->error = why;
  one->again = now() + one->pause;
  one->pause = std::min(one->pause * 2, pause_max);
  if (one->is_first) first_failure_ = why;
  settle(*one);
  tell_joined();
}

void inspector_hub_state::lost(const caf::down_msg& what) {
  auto* one = behind(what.source);
  if (one && one->now == standing::joined) failed(what.source, "it is gone");
}

/// Whoever has waited for this process learns how it is now.
void inspector_hub_state::settle(process& one) {
  auto waiting = std::exchange(one.waiting, {});
  for (auto which : waiting)
    pass_on(which, one);
}

void inspector_hub_state::learn(const std::vector<inspected_process>& others, bool by_master) {
  for (auto& other : others)
    learn(other);
  if (by_master) forget_all_but(others);
  tell_joined();
}

void inspector_hub_state::learn(const inspected_process& other) {
  auto known = processes_.find(key_of(other));
  if (known == processes_.end()) {
    if (other.name.empty()) return;
    if (processes_.size() < processes_max)
      enter(other, place_of(other));
    else
      log::warn("hub.full", "processes={} not_joined={}", processes_max, other.name);
    return;
  }
  auto& one = known->second;
  if (one.who.incarnation < other.incarnation) {
    drop_link(one);
    one.who = other;
    if (!one.where || !one.where->direct) one.where = place_of(other);
    one.pause = pause_min;
    one.now = standing::fresh;
    attempt(one);
  } else if (one.who.incarnation == other.incarnation && one.who.inspect.empty()) {
    one.who.inspect = other.inspect;
  }
}

/// The master knows all nodes: what it does not name, and does not answer, has ended.
void inspector_hub_state::forget_all_but(const std::vector<inspected_process>& named) {
  std::set<key> stay;
  for (auto& one : named)
    stay.insert(key_of(one));
  for (auto i = processes_.begin(); i != processes_.end();) {
    auto& one = i->second;
    if (one.is_seed || one.now != standing::failing || stay.count(i->first) != 0) {
      ++i;
      continue;
    }
    drop_link(one);
    i = processes_.erase(i);
  }
}

void inspector_hub_state::turn() {
  self_->delayed_send(self_, tick, hub_tick{});
  for (auto& [name, one] : processes_) {
    if (one.again > now()) continue;
    if (one.now == standing::failing && !one.link && one.where) attempt(one);
    if (one.now == standing::joined && is_silent(one)) question(one);
  }
  if (now() - looked_ >= look_around) look();
}

/// Asks who else there is: the master, or while it is away everybody.
void inspector_hub_state::look() {
  looked_ = now();
  auto answers = [](const process& one) { return one.now == standing::joined && !is_silent(one); };
  for (auto& [name, one] : processes_)
    if (answers(one) && one.where->is_master) return question(one);
  for (auto& [name, one] : processes_)
    if (answers(one)) question(one);
}

void inspector_hub_state::question(process& one) {
  if (std::exchange(one.questioned, true)) return;
  auto asked_at = now();
  one.again = asked_at + look_around;
  self_->request(one.link, answer_max, console_ask{processes_command, "{}"})
      .then(
          [this, asked_at, link = one.link.address()](const console_answer& answer) {
            heard(link, nullptr, asked_at);
            answered(link, answer.result);
          },
          [this, asked_at, link = one.link.address()](const caf::error& why) {
            heard(link, &why, asked_at);
            if (auto* from = behind(link)) from->questioned = false;
          });
}

void inspector_hub_state::answered(const caf::actor_addr& link, const std::string& processes) {
  auto* one = behind(link);
  if (!one) return;
  one->questioned = false;
  if (auto others = read_processes(processes)) learn(*others, one->where->is_master);
}

/// Keeps book of who does not answer any more. Those are not waited for again until they do: of a process that is
/// frozen one ask is late, not each.
void inspector_hub_state::heard(const caf::actor_addr& link, const caf::error* why, time_point asked_at) {
  auto* one = behind(link);
  if (!one) return;
  if (!why || to_refusal(*why))
    one->silent_since = {};
  else if (*why == caf::sec::request_timeout && !is_silent(*one))
    one->silent_since = asked_at;
}

} // namespace starling
