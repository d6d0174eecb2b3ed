#include <algorithm>

#include <caf/io/middleman.hpp>

#include "actors/membership.hpp"
#include "actors/proof.hpp"
#include "actors/transport.hpp"
#include "chat/address.hpp"

/// How membership finds the master and is let in: reach, connect, hello, join, each with a timeout; and again.
namespace starling {
namespace {

constexpr milliseconds backoff_min{100};
constexpr milliseconds backoff_max{2'000};
constexpr std::chrono::seconds hello_patience{2};
constexpr std::chrono::seconds join_patience{5}; // a master that has just started waits a second for all
constexpr std::chrono::seconds same_failure{30}; // is told again only after this

} // namespace

membership_world network_world(boost::asio::io_context& io, caf::actor_system& system) {
  auto reach_by_io = [&io](const std::string& host, std::uint16_t port, milliseconds deadline,
                           std::function<void(reached)> done) { reach(io, host, port, deadline, std::move(done)); };
  return {reach_by_io, transport(system)};
}

void membership_state::attempt() {
  phase_ = phase::connecting;
  ++attempt_;
  beat_under_way_ = false;
  auto where = parse_host_port(options_.cluster.master);
  if (!where) return retry("cluster.master is not host:port: " + options_.cluster.master, true);
  // A weak reference: the answer may come when this actor has ended.
  auto self = self_->address();
  options_.world.reach(where->host, where->port, options_.cluster.connect, [self, now = attempt_](reached result) {
    auto still_here = caf::actor_cast<membership_actor>(self);
    if (still_here) caf::anon_send(still_here, master_reached{now, std::move(result)});
  });
}

void membership_state::try_again(const connect_again& what) {
  if (phase_ == phase::connecting && what.attempt == attempt_) attempt();
}

/// Ends the membership or the attempt that was. Full jitter: many nodes that lost the same master come back one by one.
void membership_state::retry(const std::string& why, bool refused) {
  forget_master();
  auto now = self_->clock().now();
  if (why != last_failure_ || now - last_told_ >= same_failure) {
    log::write(refused ? log::level::error : log::level::warn, "membership.not_joined", "master={} reason=\"{}\"",
               options_.cluster.master, why);
    last_failure_ = why;
    last_told_ = now;
  }
  backoff_ = std::clamp(backoff_ * 2, backoff_min, backoff_max);
  auto wait = std::uniform_int_distribution<milliseconds::rep>(0, backoff_.count())(random_);
  self_->delayed_send(self_, milliseconds(wait), connect_again{attempt_});
}

/// What it says from now on is not listened to.
void membership_state::forget_master() {
  if (master_) self_->demonitor(master_.address());
  master_ = nullptr;
  phase_ = phase::connecting;
  ++attempt_;
}

void membership_state::failed(std::uint64_t attempt, const char* doing, const caf::error& error) {
  if (attempt != attempt_) return;
  auto no = to_refusal(error);
  if (!no) return retry(std::string(doing) + ": " + self_->system().render(error));
  if (no->kind == refusal_kind::dead) return begin_anew(no->newest_dead);
  retry(no->text, true);
}

void membership_state::connect(const master_reached& what) {
  if (phase_ != phase::connecting || what.attempt != attempt_) return;
  if (what.result.address.empty()) return retry("cannot be reached: " + what.result.error);
  auto port = parse_host_port(options_.cluster.master)->port;
  self_->request(options_.world.transport, options_.cluster.connect * 2, caf::connect_atom_v, what.result.address, port)
      .then(
          [this, now = attempt_](const caf::node_id&, const caf::strong_actor_ptr& found,
                                 const std::set<std::string>&) {
            if (phase_ != phase::connecting || now != attempt_) return;
            if (!found) return retry("nothing is published there: is it a master?", true);
            // Its interface is compared by `hello`, which says more exactly what is wrong.
            master_ = caf::actor_cast<master_actor>(found);
            self_->monitor(master_); // what it was asked when it died is never answered
            greet(now);
          },
          [this, now = attempt_](const caf::error& error) { failed(now, "connect", error); });
}

void membership_state::greet(std::uint64_t attempt) {
  self_->request(master_, hello_patience, hello{cluster_protocol_version, cluster_schema(), options_.cluster.id})
      .then(
          [this, attempt](const challenge& from) {
            if (phase_ == phase::connecting && attempt == attempt_) ask_to_join(attempt, from);
          },
          [this, attempt](const caf::error& error) { failed(attempt, "hello", error); });
}

void membership_state::ask_to_join(std::uint64_t attempt, const challenge& from) {
  join what{options_.node,
            from.nonce,
            make_proof(options_.token, join_parts(from.nonce, options_.node)),
            make_nonce(),
            table_ ? table_->encode() : std::string(),
            member_actor(membership_actor(self_))};
  self_->request(master_, join_patience, what)
      .then(
          [this, attempt, what, incarnation = from.master_incarnation](const joined& answer) {
            if (phase_ == phase::connecting && attempt == attempt_) enter(what, answer, incarnation);
          },
          [this, attempt](const caf::error& error) { failed(attempt, "join", error); });
}

void membership_state::enter(const join& asked, const joined& answer, std::uint64_t master_incarnation) {
  if (!is_proof(answer.proof, options_.token, joined_parts(asked, master_incarnation)) ||
      answer.view.master_incarnation != master_incarnation)
    return retry("the master does not know the cluster's token: it may be a stranger", true);
  phase_ = phase::joined;
  backoff_ = milliseconds(0);
  last_failure_.clear();
  master_incarnation_ = master_incarnation;
  note_heard();
  take(answer.view);
  log::info("membership.joined", "master={} incarnation={} nodes={} epoch={}", options_.cluster.master,
            options_.node.incarnation, nodes_.size(), table_ ? table_->epoch() : 0);
}

} // namespace starling
