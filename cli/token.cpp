#include "net/token.hpp"

#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/commands.hpp"
#include "cli/options.hpp"
#include "cli/secrets.hpp"

namespace starling::cli {

namespace {

struct token_options {
  identity who;
  std::chrono::milliseconds ttl = std::chrono::hours(1);
  std::string algorithm = "HS256";
  std::string key_file;
};

int run_token(const token_options& options) {
  const secret_source source{"the key", "--key-file", options.key_file, "STARLING_TOKEN_KEY"};
  const auto key = options.algorithm == "HS256" ? read_secret(source) : read_pem(source, false);
  if (const auto* error = std::get_if<secret_error>(&key)) return fail(error->why);

  const auto ttl = std::chrono::duration_cast<std::chrono::seconds>(options.ttl);
  const auto made = net::make_token(options.who, ttl, options.algorithm, std::get<secret>(key).text);
  if (const auto* why = std::get_if<std::string>(&made)) return fail(*why);
  fmt::print("{}\n", std::get<net::signed_token>(made).text);
  return exit_ok;
}

} // namespace

void add_token_command(CLI::App& app, std::function<int()>& chosen) {
  CLI::App* command = app.add_subcommand("token", "Make a token with which a client proves who it is");
  const auto options = std::make_shared<token_options>();
  command->add_option("--user", options->who.user, "Whom the token speaks of")->required()->type_name("USER");
  command->add_option("--name", options->who.name, "The name to show for the user")->type_name("TEXT");
  add_duration_option(*command, "--ttl", options->ttl, "How long it holds");
  command->add_option("--algorithm", options->algorithm, "As auth.algorithm of the nodes")
      ->check(CLI::IsMember({"HS256", "RS256", "ES256"}))
      ->capture_default_str();
  command
      ->add_option("--key-file", options->key_file,
                   "The secret (first line), or the private key in PEM; without it $STARLING_TOKEN_KEY is used")
      ->type_name("FILE");
  command->footer("Example:\n"
                  "  (umask 077; openssl rand -hex 32 > key)\n"
                  "  starling token --user ann --ttl 1h --key-file key");
  command->callback([options, &chosen] { chosen = [options] { return run_token(*options); }; });
}

} // namespace starling::cli
