#include "actors/inspector_link.hpp"

#include <caf/io/middleman.hpp>

#include "actors/proof.hpp"
#include "actors/transport.hpp"

namespace starling {
namespace {

caf::error cannot(std::string why) { return make_error(refusal{refusal_kind::bad_request, std::move(why), 0}); }

} // namespace

std::string describe_link_error(const caf::actor_system& system, const caf::error& why) {
  if (auto no = to_refusal(why)) return no->text;
  if (why == caf::sec::request_timeout) return "no answer in time";
  if (why == caf::sec::request_receiver_down) return "it is gone";
  return system.render(why);
}

caf::result<console_joined> inspector_link_state::begin() {
  joining_ = self_->make_response_promise<console_joined>();
  if (options_.place.direct) {
    inspector_ = options_.place.direct;
    greet();
    return joining_;
  }
  auto self = self_->address(); // weak: the answer may come when this actor has ended
  reach(*options_.io, options_.place.where.host, options_.place.where.port, options_.patience, [self](reached result) {
    if (auto still_here = caf::actor_cast<inspector_link_actor>(self))
      caf::anon_send(still_here, inspector_reached{std::move(result)});
  });
  return joining_;
}

void inspector_link_state::failed(const caf::error& why) { joining_.deliver(why); }

void inspector_link_state::connect(const inspector_reached& what) {
  if (what.result.address.empty()) return failed(cannot("cannot be reached: " + what.result.error));
  self_
      ->request(transport(self_->system()), options_.patience, caf::connect_atom_v, what.result.address,
                options_.place.where.port)
      .then(
          [this](const caf::node_id&, const caf::strong_actor_ptr& found, const std::set<std::string>&) {
            if (!found) return failed(cannot("nothing is published there"));
            if (!options_.place.is_master) {
              inspector_ = caf::actor_cast<inspector_actor>(found);
              return greet();
            }
            self_->request(caf::actor_cast<master_actor>(found), options_.patience, find_inspector{})
                .then(
                    [this](const found_inspector& it) {
                      inspector_ = it.inspector;
                      greet();
                    },
                    [this](const caf::error& why) { failed(why); });
          },
          [this](const caf::error& why) { failed(why); });
}

void inspector_link_state::greet() {
  self_
      ->request(inspector_, options_.patience,
                console_hello{cluster_protocol_version, cluster_schema(), options_.cluster})
      .then([this](const console_challenge& from) { join(from); }, [this](const caf::error& why) { failed(why); });
}

void inspector_link_state::join(const console_challenge& from) {
  console_join what{from.nonce, {}, make_nonce(), options_.operator_name, options_.admin};
  what.proof = make_proof(options_.token, console_join_parts(what));
  self_->request(inspector_, options_.patience, what)
      .then(
          [this, what](const console_joined& answer) {
            if (!is_proof(answer.proof, options_.token, console_joined_parts(what, answer.self)))
              return failed(cannot("it does not know the cluster's token: it may be a stranger"));
            joined_ = true;
            self_->monitor(inspector_);
            joining_.deliver(answer);
          },
          [this](const caf::error& why) { failed(why); });
}

caf::result<console_answer> inspector_link_state::ask(console_ask& what) {
  if (!joined_) return cannot("not connected");
  auto promise = self_->make_response_promise<console_answer>();
  self_->request(inspector_, options_.answer_patience, std::move(what))
      .then([promise](console_answer& answer) mutable { promise.deliver(std::move(answer)); },
            [promise](const caf::error& why) mutable { promise.deliver(why); });
  return promise;
}

inspector_link_actor::behavior_type inspector_link(inspector_link_self self, inspector_link_options options) {
  auto& place = options.place;
  auto name = place.direct ? "here" : place.where.host + ":" + std::to_string(place.where.port);
  self->observe("inspector_link", std::move(name));
  auto& state = self->state;
  state.start(std::move(options));
  self->set_down_handler([self](const caf::down_msg&) { self->quit(); });
  return {
      [&state](const link_now&) { return state.begin(); },
      [&state](const inspector_reached& what) { state.connect(what); },
      [&state](console_ask& what) { return state.ask(what); },
  };
}

} // namespace starling
