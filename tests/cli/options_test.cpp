#include "cli/options.hpp"

#include <catch2/catch.hpp>

#include <CLI/CLI.hpp>

using namespace starling::cli;
using namespace std::chrono_literals;

TEST_CASE("a configuration and overrides are given on the command line", "[cli]") {
  CLI::App app;
  config_options options;
  bool flag = false;
  add_config_options(app, options);
  app.add_flag("--flag", flag);
  app.parse(
      R"(--set log.levels=["a=info","b=warn"] --config node.toml --set shard=[{name='a'}] --set node.name=x --flag)");
  CHECK(options.file == "node.toml");
  CHECK(options.overrides ==
        std::vector<std::string>{"log.levels=[\"a=info\",\"b=warn\"]", "shard=[{name='a'}]", "node.name=x"});
  CHECK(flag);
}

TEST_CASE("a duration on the command line has a unit", "[cli]") {
  CLI::App app;
  std::chrono::milliseconds value = 1h;
  add_duration_option(app, "--ttl", value, "How long");
  app.parse("");
  CHECK(value == 1h);
  app.parse("--ttl 90s");
  CHECK(value == 90s);
  CHECK_THROWS_WITH(app.parse("--ttl 90"), "--ttl: expected a duration such as 500ms, 10s, 2m, 1h or 7d, found \"90\"");
}
