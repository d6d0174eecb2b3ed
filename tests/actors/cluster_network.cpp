#include "cluster_network.hpp"

#include <algorithm>

#include <caf/event_based_actor.hpp>
#include <caf/make_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include "random_order.hpp"

namespace cluster_test {
namespace {

constexpr milliseconds link_silence{2'000}; // as `configure_middleman` says
constexpr milliseconds look_again{100};

using connection = caf::result<caf::node_id, caf::strong_actor_ptr, std::set<std::string>>;
using connection_promise = caf::typed_response_promise<caf::node_id, caf::strong_actor_ptr, std::set<std::string>>;
struct connector_state {
  std::vector<connection_promise> waiting;
};

/// The part of the middleman that connects. While there is no way it waits, as TCP does; the asker has a timeout.
caf::behavior connector(caf::stateful_actor<connector_state>* self,
                        std::function<std::optional<made_connection>()> connect) {
  auto answer = [connect](connection_promise& promise) {
    auto made = connect();
    if (!made) return false;
    if (made->master)
      promise.deliver(made->master->node(), made->master, std::set<std::string>());
    else
      promise.deliver(caf::make_error(caf::sec::cannot_connect_to_node));
    return true;
  };
  return {
      [self, answer](caf::connect_atom, const std::string&, std::uint16_t) -> connection {
        auto promise = self->make_response_promise<caf::node_id, caf::strong_actor_ptr, std::set<std::string>>();
        if (answer(promise)) return promise;
        if (self->state.waiting.empty()) self->delayed_send(self, look_again, caf::tick_atom_v);
        self->state.waiting.push_back(promise);
        return promise;
      },
      [self, answer](caf::tick_atom) {
        std::erase_if(self->state.waiting, answer);
        if (!self->state.waiting.empty()) self->delayed_send(self, look_again, caf::tick_atom_v);
      },
  };
}

} // namespace

// -- process ---------------------------------------------------------------------------------------------------------

void process::run(std::size_t which) {
  if (which < sched.jobs.size()) return scene_test::run_actor(sched, which);
  std::swap(posted.front(), posted[which - sched.jobs.size()]);
  auto work = std::move(posted.front());
  posted.pop_front();
  work();
}

void process::pass(milliseconds time) {
  if (frozen_) {
    missed_ += time;
    return;
  }
  now_ += time;
  while (!timers.empty() && timers.begin()->first <= now_)
    post(std::move(timers.extract(timers.begin()).mapped()));
  sched.advance_time(time);
}

void process::thaw() {
  frozen_ = false;
  pass(std::exchange(missed_, 0ms));
}

void process::run_down() {
  frozen_ = false;
  timers.clear();
  while (ready() > 0)
    run(0);
  sched.clock().cancel_all();
  while (ready() > 0)
    run(0);
}

// -- remote ----------------------------------------------------------------------------------------------------------

void remote::enqueue(caf::mailbox_element_ptr what, caf::execution_unit*) {
  if (wire_ && real_) wire_->send(1 - end_, what->sender, real_, what->mid, what->move_content_to_message());
}

void remote::kill_proxy(caf::execution_unit* context, caf::error reason) {
  wire_ = nullptr;
  real_ = nullptr;
  cleanup(std::move(reason), context);
}

// -- wire ------------------------------------------------------------------------------------------------------------

wire::~wire() {
  hang_up(node_end);
  hang_up(master_end);
}

caf::strong_actor_ptr wire::proxy(std::size_t end, const caf::strong_actor_ptr& real) {
  if (!real) return nullptr;
  auto& made = ends_[end].proxies[real->id()];
  if (!made) {
    caf::actor_config cfg;
    made = caf::make_actor<remote, caf::strong_actor_ptr>(real->id(), real->node(), &ends_[end].at->system, cfg, *this,
                                                          end, real);
  }
  return made;
}

void wire::send(std::size_t to_end, const caf::strong_actor_ptr& from, const caf::strong_actor_ptr& to,
                caf::message_id mid, caf::message content) {
  auto& there = ends_[to_end];
  if (!there.open || !there.at) return; // nobody reads it
  if (content.match_elements<join>()) {
    auto what = content.get_as<join>(0);
    what.member =
        caf::actor_cast<member_actor>(proxy(to_end, caf::actor_cast<caf::strong_actor_ptr>(std::move(what.member))));
    content = caf::make_message(std::move(what));
  }
  there.coming.push_back({proxy(to_end, from), to, mid, std::move(content)});
}

bool wire::is_cut(std::size_t towards) const {
  auto &here = ends_[towards], &there = ends_[1 - towards];
  return here.at->cut_in || (there.at ? there.at->cut_out : dead_silent_);
}

bool wire::can_deliver(std::size_t end) const {
  auto& here = ends_[end];
  return here.open && !here.at->frozen() && !is_cut(end) && (!here.coming.empty() || here.end_comes);
}

void wire::deliver(std::size_t end) {
  auto& here = ends_[end];
  if (here.coming.empty()) return hang_up(end);
  auto what = std::move(here.coming.front());
  here.coming.pop_front();
  what.to->enqueue(caf::make_mailbox_element(what.from, what.mid, {}, std::move(what.content)), nullptr);
}

void wire::pass(milliseconds time) {
  for (auto end : {node_end, master_end}) {
    auto &here = ends_[end], &there = ends_[1 - end];
    if (!here.open || here.at->frozen()) continue;
    auto quiet = is_cut(end) || (there.at && there.at->frozen());
    here.silent = quiet ? here.silent + time : 0ms;
    if (here.silent >= link_silence) hang_up(end);
  }
}

void wire::hang_up(std::size_t end) {
  auto& here = ends_[end];
  if (!std::exchange(here.open, false)) return;
  here.coming.clear();
  ends_[1 - end].end_comes = true;
  for (auto& [id, made] : std::exchange(here.proxies, {}))
    static_cast<remote*>(caf::actor_cast<caf::abstract_actor*>(made))
        ->kill_proxy(nullptr, caf::exit_reason::remote_link_unreachable);
}

void wire::lose(const process& gone, bool silently) {
  for (auto end : {node_end, master_end}) {
    if (ends_[end].at != &gone) continue;
    hang_up(end);
    dead_silent_ = silently;
    ends_[end].at = nullptr;
    for (auto& [id, made] : ends_[1 - end].proxies)
      static_cast<remote*>(caf::actor_cast<caf::abstract_actor*>(made))->sever();
  }
}

// -- network ---------------------------------------------------------------------------------------------------------

void network::publish(process* at, caf::strong_actor_ptr master) {
  master_at_ = at;
  master_ = std::move(master);
}

void network::lose(process& at, bool silently) {
  at.gone = true;
  if (master_at_ == &at) publish(nullptr, nullptr);
  for (auto& one : wires_)
    one.lose(at, silently);
  wires_.remove_if([](const wire& one) { return one.over(); });
}

membership_world network::world_of(process& at, std::function<std::uint64_t()> incarnation, std::uint64_t seed) {
  auto mm = at.system.spawn(connector, [this, &at] { return connect(at); });
  return {[this, &at](const std::string&, std::uint16_t, milliseconds deadline, std::function<void(reached)> done) {
            reach(at, deadline, std::move(done));
          },
          caf::actor_cast<caf::io::middleman_actor>(caf::actor_cast<caf::strong_actor_ptr>(mm)), std::move(incarnation),
          seed, false};
}

network::way network::to_master(const process& from) const {
  if (from.gone || from.cut_in || from.cut_out || (master_at_ && (master_at_->cut_in || master_at_->cut_out)))
    return way::stuck;
  return master_at_ ? way::open : way::refused;
}

/// The kernel of a frozen process accepts connections all the same.
void network::reach(process& from, milliseconds deadline, std::function<void(reached)> done) {
  from.post([this, &from, deadline, done = std::move(done)] {
    auto where = to_master(from);
    if (where == way::stuck) return from.post_after(deadline, [done] { done({{}, "no answer in time"}); });
    done(where == way::open ? reached{"127.0.0.1", {}} : reached{{}, "refused"});
  });
}

std::optional<made_connection> network::connect(process& from) {
  auto where = to_master(from);
  if (where == way::refused) return made_connection{};
  if (where == way::stuck || master_at_->frozen()) return std::nullopt;
  auto known = std::find_if(wires_.begin(), wires_.end(), [&](const wire& one) { return one.joins(from); });
  auto& over = known != wires_.end() ? *known : wires_.emplace_back(from, *master_at_);
  return made_connection{over.proxy(wire::node_end, master_)};
}

std::size_t network::ready() const {
  std::size_t count = 0;
  for (auto& one : wires_)
    count += one.can_deliver(wire::node_end) + one.can_deliver(wire::master_end);
  return count;
}

void network::run(std::size_t which) {
  for (auto& one : wires_)
    for (auto end : {wire::node_end, wire::master_end})
      if (one.can_deliver(end) && which-- == 0) {
        one.deliver(end);
        return wires_.remove_if([](const wire& any) { return any.over(); }), void();
      }
}

void network::pass(milliseconds time) {
  for (auto& one : wires_)
    one.pass(time);
  wires_.remove_if([](const wire& one) { return one.over(); });
}

void network::break_connection(process& node) {
  for (auto& one : wires_)
    if (one.joins(node)) return one.hang_up(wire::node_end);
}

} // namespace cluster_test
