// The commented files in config/ are the manual: they must tell the truth about the code.
#include <fstream>
#include <set>

#include <unistd.h>

#include <catch2/catch.hpp>

#include "chat/settings_fields.hpp"
#include "cli/config.hpp"

using namespace starling;
using cli::load_error;

namespace {

const std::filesystem::path config_folder = std::filesystem::path(STARLING_SOURCE_DIR) / "config";

/// A visitor that gathers all values as "key=value".
struct printer {
  template <class Rule>
  void operator()(std::string_view key, const milliseconds& value, const Rule&) {
    lines.insert(std::string(key) + '=' + std::to_string(value.count()) + "ms");
  }
  template <class Rule>
  void operator()(std::string_view key, const std::string& value, const Rule&) {
    lines.insert(std::string(key) + "=\"" + value + '"');
  }
  template <class Rule>
  void operator()(std::string_view key, const std::vector<std::string>& value, const Rule&) {
    std::string line = std::string(key) + '=';
    for (const std::string& text : value)
      line += text + ',';
    lines.insert(line);
  }
  template <class Value, class Rule>
  void operator()(std::string_view key, const Value& value, const Rule&) {
    lines.insert(std::string(key) + '=' + std::to_string(value));
  }
  std::set<std::string> lines;
};

template <class Settings>
std::set<std::string> print(Settings settings) {
  printer p;
  visit_fields(settings, p);
  return p.lines;
}

struct key_gatherer {
  template <class Value, class Rule>
  void operator()(std::string_view key, const Value&, const Rule&) {
    keys.insert(std::string(key));
  }
  std::set<std::string> keys;
};

/// A file of the manual with every option uncommented, and the options that it names, as "section.option".
struct manual {
  std::string text;
  std::multiset<std::string> keys;
};

manual uncomment(const std::string& name) {
  manual result;
  std::ifstream in(config_folder / name);
  REQUIRE(in);
  std::string section;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('[')) {
      section = line.substr(line.find_last_of('[') + 1, line.find(']') - line.find_last_of('[') - 1);
    }
    // "#key = value" or "key = value"; a sentence begins with "# ".
    const std::string bare = line.substr(line.starts_with('#') ? 1 : 0);
    const std::string key = bare.substr(0, bare.find(" = "));
    if (key.size() < bare.size() && key.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos) {
      result.keys.insert(section + '.' + key);
      line = bare;
    }
    result.text += line + '\n';
  }
  return result;
}

/// Loads a text as if it were a file in the working directory, to which file names are relative by default.
template <class Load>
auto load_text(const std::string& text, const Load& load, const std::vector<std::string>& overrides) {
  const std::string file = "manual-test-" + std::to_string(::getpid()) + ".toml";
  std::ofstream(file) << text;
  auto result = load(file, overrides);
  std::filesystem::remove(file);
  if (const auto* error = std::get_if<load_error>(&result)) FAIL(error->lines.at(0));
  return std::get<0>(result);
}

template <class Settings>
std::multiset<std::string> keys_of() {
  Settings settings;
  key_gatherer gatherer;
  visit_fields(settings, gatherer);
  return {gatherer.keys.begin(), gatherer.keys.end()};
}

} // namespace

TEST_CASE("config/node.toml names every option once, with the default of the code", "[config]") {
  const manual node = uncomment("node.toml");
  CHECK(node.keys == keys_of<node_settings>());
  node_settings defaults;
  defaults.name = "a"; // the one option that must be given
  CHECK(print(load_text(node.text, cli::load_node_settings, {"node.name=a"})) == print(defaults));
}

TEST_CASE("config/master.toml names every option once, with the default of the code", "[config]") {
  const manual master = uncomment("master.toml");
  std::multiset<std::string> expected = keys_of<master_settings>();
  for (int shard = 0; shard < 3; ++shard)
    expected.insert({"shard.name", "shard.address", "shard.weight"});
  CHECK(master.keys == expected);
  const master_settings loaded = load_text(master.text, cli::load_master_settings, {});
  CHECK(print(loaded) == print(master_settings()));
  for (const shard_settings& shard : loaded.shards)
    CHECK(shard.weight == shard_settings().weight);
}

TEST_CASE("the files in config/ work as they are", "[config]") {
  const auto node = cli::load_node_settings(config_folder / "node.toml", {"node.name=a", "node.listen=127.0.0.1:8080"});
  CHECK(std::holds_alternative<node_settings>(node));
  const auto master = cli::load_master_settings(config_folder / "master.toml", {});
  REQUIRE(std::holds_alternative<master_settings>(master));
  const auto& shards = std::get<master_settings>(master).shards;
  REQUIRE(shards.size() == 3);
  CHECK(shards[2].name == "s3");
  CHECK(shards[2].address == "redis://127.0.0.1:7003");
}
