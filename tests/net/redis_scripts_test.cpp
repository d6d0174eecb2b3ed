#include <catch2/catch.hpp>

#include <regex>
#include <set>

#include "chat/embedded.hpp"
#include "net/scripts.hpp"

using namespace starling;
using namespace starling::net;

TEST_CASE("scripts are named by their file and by their SHA1", "[scripts]") {
  const script_set set({{"one", "return ARGV[1]"}, {"two", ""}});
  REQUIRE(set.size() == 2);
  REQUIRE(set.find("one"));
  CHECK(set.find("one")->text == "return ARGV[1]");
  CHECK(set.find("one")->sha1 == "098e0f0d1448c0a81dafe820f66d460eb09263da");
  CHECK(set.find("two")->sha1 == "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  CHECK(set.find("three") == nullptr);
}

TEST_CASE("the prelude stands before every embedded script, and is none itself", "[scripts]") {
  const auto set = script_set::embedded();
  const auto files = embedded_scripts();
  CHECK(set.size() == files.size() - 1);
  CHECK(set.find("prelude") == nullptr);
  for (auto& [name, one] : set) {
    CHECK(one.text.starts_with("-- Stands before every script."));
    CHECK(one.sha1 == sha1_hex(one.text));
  }
}

TEST_CASE("whoever claims a shard is asked for the right to every command that a script calls", "[scripts]") {
  const auto set = script_set::embedded();
  const auto& claim = set.find("shard_claim")->text;
  const std::regex call("redis\\.call\\('([A-Z]+)'");
  std::set<std::string> called;
  for (auto& [name, one] : set)
    for (auto i = std::sregex_iterator(one.text.begin(), one.text.end(), call); i != std::sregex_iterator(); ++i)
      called.insert((*i)[1]);
  CHECK(called.size() > 20);
  for (auto& command : called) {
    INFO(command);
    CHECK(std::regex_search(claim, std::regex("[' ]" + command + "[' ]")));
  }
}
