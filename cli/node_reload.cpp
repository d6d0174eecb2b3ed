#include "cli/node_reload.hpp"

#include <utility>

#include "cli/reload.hpp"

namespace starling::cli {

namespace {

/// Secrets stand in files whose names may stay the same.
void add_changed_secrets(const node_secrets& before, const node_secrets& after, std::vector<std::string>& keys) {
  if (before.cluster_token != after.cluster_token) keys.emplace_back("cluster.token_file");
  if (before.redis_password != after.redis_password) keys.emplace_back("redis.password_file");
  if (before.api_key != after.api_key) keys.emplace_back("api.key_file");
}

} // namespace

node_reload::node_reload(node_configuration running, node_configuration_reader read, net::listener& clients,
                         current_verifier& verify)
    : running_(std::move(running)), read_(std::move(read)), clients_(clients), verify_(verify) {}

void node_reload::operator()() {
  auto read = read_();
  if (auto* wrong = std::get_if<load_error>(&read)) return refuse_reload(*wrong);
  if (auto* why = std::get_if<std::string>(&read)) return refuse_reload({{*why}});
  const auto& next = std::get<node_configuration>(read);
  auto made = make(next);
  if (auto* why = std::get_if<std::string>(&made)) return refuse_reload({{*why}});

  auto& ready = std::get<parts>(made);
  std::vector<std::string_view> applied;
  if (ready.tls) applied.insert(applied.end(), {"node.tls.certificate", "node.tls.key"});
  if (ready.verify) applied.insert(applied.end(), {"auth.algorithm", "auth.key_file"});
  apply(std::move(ready));
  auto changed = changed_keys(running_.settings, next.settings);
  add_changed_secrets(running_.secrets, next.secrets, changed);
  finish_reload(next.settings.log, changed, std::move(applied));
}

std::variant<node_reload::parts, std::string> node_reload::make(const node_configuration& next) const {
  parts made;
  // A port that clients know does not begin to speak another protocol.
  if (running_.settings.tls.on() && next.settings.tls.on()) {
    auto loaded = net::tls_context::load(next.settings.tls);
    if (auto* why = std::get_if<std::string>(&loaded)) return *why;
    made.tls = std::get<std::shared_ptr<const net::tls_context>>(std::move(loaded));
  }
  if (running_.settings.auth.mode == "token" && next.settings.auth.mode == "token") {
    auto verify = make_verifier(next.settings.auth, next.secrets.token_key);
    if (auto* why = std::get_if<std::string>(&verify)) return *why;
    made.verify = std::get<verifier>(std::move(verify));
  }
  return made;
}

void node_reload::apply(parts made) {
  if (made.tls) clients_.use_tls(std::move(made.tls));
  if (made.verify) verify_.replace(std::move(made.verify));
}

} // namespace starling::cli
