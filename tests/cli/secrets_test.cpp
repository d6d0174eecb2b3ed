#include "cli/secrets.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

using namespace starling::cli;
namespace fs = std::filesystem;

namespace {

constexpr const char* variable = "STARLING_TEST_SECRET";

/// A file that only its owner may read, gone with its scope; the variable too.
class secret_file {
public:
  explicit secret_file(const std::string& text) {
    std::string pattern = (fs::temp_directory_path() / "starling-secret-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    std::ofstream(name(), std::ios::binary) << text;
    fs::permissions(name(), fs::perms::owner_read | fs::perms::owner_write);
  }
  secret_file(const secret_file&) = delete;
  secret_file& operator=(const secret_file&) = delete;
  ~secret_file() {
    ::unsetenv(variable);
    fs::remove_all(folder_);
  }
  std::string name() const { return (folder_ / "secret").string(); }
  secret_source source() const { return {"the token", "cluster.token_file", name(), variable}; }

private:
  fs::path folder_;
};

std::string text_of(const std::variant<secret, secret_error>& result) {
  const auto* found = std::get_if<secret>(&result);
  return found ? found->text : "error";
}

std::string why(const std::variant<secret, secret_error>& result) {
  const auto* error = std::get_if<secret_error>(&result);
  return error ? error->why : "no error";
}

const secret_source nowhere{"the token", "cluster.token_file", "", variable};

} // namespace

TEST_CASE("a secret is the first line of its file", "[secrets]") {
  CHECK(text_of(read_secret(secret_file("abc\n").source())) == "abc");
  CHECK(text_of(read_secret(secret_file("abc").source())) == "abc");
  CHECK(text_of(read_secret(secret_file("abc\r\ndef\n").source())) == "abc");
  CHECK(text_of(read_secret(secret_file(" a b \n").source())) == " a b ");
  CHECK(text_of(read_pem(secret_file("abc\ndef\n").source(), false)) == "abc\ndef\n");
}

TEST_CASE("a file goes before the environment", "[secrets]") {
  const secret_file file("from the file\n");
  ::setenv(variable, "from the environment", 1);
  CHECK(text_of(read_secret(file.source())) == "from the file");
  CHECK(text_of(read_secret(nowhere)) == "from the environment");
  CHECK(text_of(read_optional_secret(nowhere)) == "from the environment");
}

TEST_CASE("a secret that is nowhere is an error that says what to do", "[secrets]") {
  ::unsetenv(variable);
  CHECK(why(read_secret(nowhere)) == "the token is missing: put it into a file and name that by cluster.token_file, or "
                                     "export STARLING_TEST_SECRET");
  CHECK(text_of(read_optional_secret(nowhere)).empty());
}

TEST_CASE("a secret that cannot be meant is an error", "[secrets]") {
  const secret_file empty("\nabc\n");
  CHECK(why(read_secret(empty.source())) == "the token: " + empty.name() + " is empty");
  const secret_file large(std::string(65 * 1024, 'x'));
  CHECK(why(read_secret(large.source())).ends_with("secret: expected at most 64KiB"));
  secret_source source = large.source();
  source.file = "/nowhere/secret";
  CHECK(why(read_secret(source)) == "the token (cluster.token_file): /nowhere/secret: No such file or directory");
  CHECK(why(read_optional_secret(source)) != "no error");
  source.file = fs::temp_directory_path().string();
  CHECK(why(read_secret(source)).ends_with("expected a regular file"));
  ::setenv(variable, "", 1);
  CHECK(why(read_secret(nowhere)) == "the token: $STARLING_TEST_SECRET is empty");
}
