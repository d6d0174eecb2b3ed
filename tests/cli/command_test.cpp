// The executable from outside: what it prints and how it exits.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "net/token.hpp"

using namespace starling;

namespace {

struct outcome {
  int code;
  std::string out; // stdout, then stderr
};

/// Runs `starling` with these arguments, as a shell reads them.
outcome run(const std::string& arguments) {
  const std::string command = std::string(STARLING_EXECUTABLE) + ' ' + arguments + " 2>&1";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  outcome result{-1, {}};
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe))
    result.out += static_cast<char>(c);
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) result.code = WEXITSTATUS(status);
  return result;
}

const std::string secret = "0123456789abcdef0123456789abcdef";

} // namespace

TEST_CASE("the version and the help are to be had", "[cli]") {
  const outcome version = run("--version");
  CHECK(version.code == 0);
  CHECK_THAT(version.out, Catch::Matches("starling [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  const outcome help = run("--help");
  CHECK(help.code == 0);
  CHECK_THAT(help.out, Catch::Contains("token"));
  CHECK_THAT(run("token --help").out, Catch::Contains("Example:") && Catch::Contains("--key-file FILE"));
}

TEST_CASE("wrong usage is one clear line and code 2", "[cli]") {
  const auto says = [](const std::string& arguments, const std::string& line) {
    const outcome result = run(arguments);
    CHECK(result.code == 2);
    CHECK(result.out == line + '\n');
  };
  says("", "starling: expected a command (see: starling --help)");
  says("tokn", "starling: The following argument was not expected: tokn (see: starling --help)");
  says("token", "starling: --user is required (see: starling token --help)");
  says("token --user a --ttl 5", "starling: --ttl: expected a duration such as 500ms, 10s, 2m, 1h or 7d, found \"5\" "
                                 "(see: starling token --help)");
  says("token --user a --algorithm none",
       "starling: --algorithm: none not in {HS256,RS256,ES256} (see: starling token --help)");
}

TEST_CASE("a token that is printed verifies", "[cli]") {
  ::setenv("STARLING_TOKEN_KEY", secret.c_str(), 1);
  const outcome made = run("token --user ann --ttl 1h --name 'Ann B'");
  ::unsetenv("STARLING_TOKEN_KEY");
  REQUIRE(made.code == 0);
  REQUIRE(made.out.ends_with('\n'));
  const auto verifier = net::token_verifier::make(auth_settings(), secret);
  REQUIRE(std::holds_alternative<net::token_verifier>(verifier));
  const auto who = std::get<net::token_verifier>(verifier).verify(made.out.substr(0, made.out.size() - 1));
  REQUIRE(std::holds_alternative<identity>(who));
  CHECK(std::get<identity>(who).user == "ann");
  CHECK(std::get<identity>(who).name == "Ann B");
  CHECK(std::get<identity>(who).expires > std::chrono::system_clock::now() + std::chrono::minutes(59));
}

TEST_CASE("a key that others may read is used with a warning", "[cli]") {
  const std::filesystem::path file = std::filesystem::temp_directory_path() / ("key-" + std::to_string(::getpid()));
  std::ofstream(file) << secret << '\n';
  const auto with_mode = [&](unsigned mode) {
    std::filesystem::permissions(file, std::filesystem::perms(mode));
    const outcome made = run("token --user ann --key-file " + file.string());
    CHECK(made.code == 0);
    return made.out;
  };
  const auto warning = Catch::Contains(" warn  secret.readable_by_others file=" + file.string() + " mode=");
  CHECK_THAT(with_mode(0644), warning);
  CHECK_THAT(with_mode(0660), warning);
  CHECK_THAT(with_mode(0600), !Catch::Contains("warn"));
  // root:starling 640 is how a package gives a secret to a service.
  if (::geteuid() == 0)
    CHECK_THAT(with_mode(0640), !Catch::Contains("warn"));
  else
    CHECK_THAT(with_mode(0640), warning);
  std::filesystem::remove(file);
}

TEST_CASE("a token that cannot be made is code 1 and says why", "[cli]") {
  ::unsetenv("STARLING_TOKEN_KEY");
  const outcome missing = run("token --user ann");
  CHECK(missing.code == 1);
  CHECK(missing.out ==
        "starling: the key is missing: put it into a file and name that by --key-file, or export STARLING_TOKEN_KEY\n");
  ::setenv("STARLING_TOKEN_KEY", secret.c_str(), 1);
  const outcome user = run("token --user 'ann b'");
  CHECK(user.code == 1);
  CHECK(user.out == "starling: the user must be 1 to 64 letters, digits, '.', '_' and '-'\n");
  CHECK(run("token --user ann --ttl 10ms").code == 1);
  ::unsetenv("STARLING_TOKEN_KEY");
}
