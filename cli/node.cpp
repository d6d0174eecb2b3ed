#include <CLI/CLI.hpp>

#include "actors/cluster_tls.hpp"
#include "actors/log.hpp"
#include "cli/commands.hpp"
#include "cli/node_process.hpp"
#include "cli/options.hpp"
#include "cli/secrets.hpp"
#include "cli/wait_for_signal.hpp"

namespace starling::cli {
namespace {

/// As for secrets of tokens (RFC 7518, 3.2): who guesses gets nowhere.
constexpr std::size_t api_key_bytes_min = 32;

struct node_command {
  config_options config;
  std::string name;
  std::string listen;
};

std::variant<node_secrets, std::string> read_secrets(const node_settings& settings) {
  node_secrets result;
  auto token =
      read_secret({"the cluster's token", "cluster.token_file", settings.cluster.token_file, "STARLING_CLUSTER_TOKEN"});
  if (auto* error = std::get_if<secret_error>(&token)) return error->why;
  result.cluster_token = std::get<secret>(token).text;
  auto password = read_optional_secret(
      {"the password for Redis", "redis.password_file", settings.redis.password_file, "STARLING_REDIS_PASSWORD"});
  if (auto* error = std::get_if<secret_error>(&password)) return error->why;
  result.redis_password = std::get<secret>(password).text;
  if (settings.auth.mode == "token") {
    secret_source source{"the key of tokens", "auth.key_file", settings.auth.key_file, "STARLING_TOKEN_KEY"};
    bool is_public = settings.auth.algorithm != "HS256";
    auto key = is_public ? read_pem(source, true) : read_secret(source);
    if (auto* error = std::get_if<secret_error>(&key)) return error->why;
    result.token_key = std::get<secret>(key).text;
  }
  auto api =
      read_optional_secret({"the key of the server API", "api.key_file", settings.api.key_file, "STARLING_API_KEY"});
  if (auto* error = std::get_if<secret_error>(&api)) return error->why;
  result.api_key = std::get<secret>(api).text;
  if (!result.api_key.empty() && result.api_key.size() < api_key_bytes_min)
    return "the key of the server API must have at least 32 bytes (make one with: openssl rand -hex 32)";
  return result;
}

std::variant<node_settings, load_error> read_settings(const node_command& command) {
  auto overrides = command.config.overrides;
  if (!command.name.empty()) overrides.push_back("node.name=" + command.name);
  if (!command.listen.empty()) overrides.push_back("node.listen=" + command.listen);
  return load_node_settings(command.config.file, overrides);
}

std::variant<node_configuration, load_error, std::string> read_again(const node_command& command) {
  auto loaded = read_settings(command);
  if (auto* error = std::get_if<load_error>(&loaded)) return std::move(*error);
  auto& settings = std::get<node_settings>(loaded);
  auto secrets = read_secrets(settings);
  if (auto* why = std::get_if<std::string>(&secrets)) return std::move(*why);
  return node_configuration{std::move(settings), std::get<node_secrets>(std::move(secrets))};
}

int run(const node_command& command) {
  keep_signals();
  auto loaded = read_settings(command);
  if (auto* error = std::get_if<load_error>(&loaded)) return complain(*error);
  auto& settings = std::get<node_settings>(loaded);
  log::configure(settings.log);
  if (auto why = why_bad(settings.cluster.tls); !why.empty()) return fail(why);
  auto secrets = read_secrets(settings);
  if (auto* why = std::get_if<std::string>(&secrets)) return fail(*why);
  return run_node({std::move(settings), std::get<node_secrets>(std::move(secrets))},
                  [command] { return read_again(command); });
}

} // namespace

void add_node_command(CLI::App& app, std::function<int()>& chosen) {
  auto command = std::make_shared<node_command>();
  auto* node = app.add_subcommand("node", "A worker node: clients connect to it");
  add_config_options(*node, command->config);
  node->add_option("--name", command->name, "The node's name, unique in the cluster (node.name)");
  node->add_option("--listen", command->listen, "Where clients connect, host:port (node.listen)");
  node->footer("Example:\n  starling node --config config/node.toml --name a --listen 127.0.0.1:8080");
  node->callback([command, &chosen] { chosen = [command] { return run(*command); }; });
}

} // namespace starling::cli
