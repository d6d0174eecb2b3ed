#include "cli/data_directory.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <string>

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using starling::cli::data_directory;

namespace {

struct scratch {
  scratch() {
    std::string name = (fs::temp_directory_path() / "starling-data-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("no temporary directory");
    path = name;
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  ~scratch() { fs::remove_all(path); }
  fs::path path;
};

std::string token_in(const fs::path& directory) {
  std::string token;
  std::ifstream(directory / "cluster.token") >> token;
  return token;
}

} // namespace

TEST_CASE("a data directory is made with a random token that only its owner may read", "[up]") {
  const scratch dir;
  const data_directory one{dir.path / "deep" / "one"};
  const data_directory two{dir.path / "two"};
  CHECK(one.path().is_absolute());
  CHECK(token_in(one.path()).size() == 64);
  CHECK(token_in(one.path()) != token_in(two.path()));
  CHECK(fs::status(one.path() / "cluster.token").permissions() == (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("a data directory keeps its token", "[up]") {
  const scratch dir;
  const auto token_of_a_run = [&] { return token_in(data_directory{dir.path}.path()); };
  const auto first = token_of_a_run();
  CHECK(token_of_a_run() == first);
}

TEST_CASE("a data directory has one user at a time, and says who", "[up]") {
  const scratch dir;
  {
    const data_directory held{dir.path};
    CHECK_THROWS_WITH(data_directory{dir.path}, Contains("in use") && Contains(std::to_string(getpid())));
  }
  CHECK_NOTHROW(data_directory{dir.path});
}

TEST_CASE("a data directory that cannot be made is told by its path", "[up]") {
  const scratch dir;
  std::ofstream(dir.path / "file") << "in the way";
  CHECK_THROWS_WITH(data_directory{dir.path / "file"}, Contains("file"));
}
