#include "actors/inspector.hpp"

#include <nlohmann/json.hpp>

#include "actors/describe.hpp"
#include "actors/proof.hpp"

namespace starling {

using nlohmann::json;

std::vector<std::string> console_join_parts(const console_join& what) {
  return {"console_join", what.nonce, what.console_nonce, what.operator_name, what.admin ? "admin" : "read"};
}

std::vector<std::string> console_joined_parts(const console_join& asked, const inspected_process& self) {
  return {"console_joined", asked.console_nonce, asked.nonce, self.role, self.name, std::to_string(self.incarnation)};
}

console_answer answer_with(const json& result) { return {result.dump(-1, ' ', false, json::error_handler_t::replace)}; }

caf::error bad_arguments(std::string why) { return make_error(refusal{refusal_kind::bad_request, std::move(why), 0}); }

void inspector_state::start(inspector_options options) {
  options_ = std::move(options);
  self_->set_down_handler([this](const caf::down_msg& what) { gone(what); });
}

caf::result<console_challenge> inspector_state::greet(const console_hello& what) {
  if (auto no = other_release(what.version, what.schema, what.cluster, options_.cluster)) return make_error(*no);
  return console_challenge{challenges_.issue(self_->clock().now())};
}

std::optional<refusal> inspector_state::fault_of(const console_join& what) {
  if (!challenges_.take(what.nonce, self_->clock().now()))
    return refusal{refusal_kind::no_challenge, "the challenge is not known, or no more: begin with hello", 0};
  if (!is_proof(what.proof, options_.token, console_join_parts(what)))
    return refusal{refusal_kind::wrong_token, "the console's cluster token is not ours (cluster.token_file)", 0};
  if (!self_->current_sender()) return refusal{refusal_kind::bad_request, "nobody sent this", 0};
  if (consoles_.size() >= consoles_max)
    return refusal{refusal_kind::full, "too many consoles: " + std::to_string(consoles_max), 0};
  return std::nullopt;
}

/// A node that was taken for dead goes on under another incarnation.
inspected_process inspector_state::self_now() const {
  auto result = options_.self;
  if (options_.incarnation) result.incarnation = options_.incarnation();
  return result;
}

caf::result<console_joined> inspector_state::admit(const console_join& what) {
  if (auto fault = fault_of(what)) {
    log::warn("console.refused", "reason=\"{}\"", fault->text);
    return make_error(std::move(*fault));
  }
  auto address = self_->current_sender()->address();
  auto [i, is_new] = consoles_.insert_or_assign(address, console{what.operator_name, what.admin});
  if (is_new) self_->monitor(address);
  log::info("console.joined", "operator={} admin={}", what.operator_name, what.admin);
  auto self = self_now();
  auto proof = make_proof(options_.token, console_joined_parts(what, self));
  return console_joined{std::move(proof), std::move(self), options_.others->get()};
}

caf::result<console_answer> inspector_state::answer(const console_ask& what) {
  auto sender = self_->current_sender();
  auto who = sender ? consoles_.find(sender->address()) : consoles_.end();
  if (who == consoles_.end()) return make_error(refusal{refusal_kind::not_joined, "join first", 0});
  if (what.command == processes_command) return others();
  auto command = options_.commands.find(what.command);
  if (command == options_.commands.end())
    return make_error(
        refusal{refusal_kind::unknown_command, "a " + options_.self.role + " has no such command: " + what.command, 0});
  auto arguments = json::parse(what.arguments, nullptr, false);
  if (!arguments.is_object()) return bad_arguments("the arguments are not a JSON object");
  if (command->second.changes_something) return change(command->second, who->second, what, arguments);
  return command->second.run(self_, arguments);
}

caf::result<console_answer> inspector_state::change(const inspector_command& command, const console& who,
                                                    const console_ask& what, const json& arguments) {
  auto flag = arguments.find("dry_run");
  if (flag != arguments.end() && !flag->is_boolean()) return bad_arguments("dry_run is true or false");
  const bool dry_run = flag != arguments.end() && flag->get<bool>();
  auto audit = [who, what, dry_run](const std::string& outcome) {
    log::audit("console.audit", "operator={} admin={} command={} dry_run={} outcome=\"{}\" arguments={}",
               who.operator_name, who.admin, what.command, dry_run, outcome, what.arguments);
  };
  if (!who.admin && !dry_run) {
    audit("refused: no admin");
    return make_error(refusal{refusal_kind::not_admin, "this console was not started with --admin", 0});
  }
  auto promise = self_->make_response_promise<console_answer>();
  command.change(self_, arguments, [audit, promise](change_outcome how) mutable {
    audit(how.failed ? "failed: " + how.failed->text : how.words);
    if (how.failed)
      promise.deliver(make_error(*how.failed));
    else
      promise.deliver(console_answer{std::move(how.result)});
  });
  return promise;
}

/// For a console that stays, since processes come and go.
console_answer inspector_state::others() const {
  auto list = json::array();
  for (auto& one : options_.others->get())
    list.push_back(
        {{"role", one.role}, {"name", one.name}, {"incarnation", one.incarnation}, {"inspect", one.inspect}});
  return answer_with({{"processes", std::move(list)}});
}

void inspector_state::gone(const caf::down_msg& what) {
  auto who = consoles_.find(what.source);
  if (who == consoles_.end()) return;
  log::info("console.left", "operator={}", who->second.operator_name);
  consoles_.erase(who);
}

std::string inspector_state::describe() const {
  json_object it;
  add_list(it, "consoles", consoles_, [](const auto& one) {
    return json_object().add("operator", one.second.operator_name).add("admin", one.second.admin).text();
  });
  return it.text();
}

inspector_actor::behavior_type inspector(inspector_self self, inspector_options options) {
  self->observe("inspector", options.self.name);
  auto& state = self->state;
  state.start(std::move(options));
  return {
      [&state](const console_hello& what) { return state.greet(what); },
      [&state](const console_join& what) { return state.admit(what); },
      [&state](const console_ask& what) { return state.answer(what); },
  };
}

} // namespace starling
