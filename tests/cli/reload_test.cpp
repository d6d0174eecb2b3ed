#include "cli/reload.hpp"

#include <catch2/catch.hpp>

#include "actors/events.hpp"
#include "actors/log.hpp"

using namespace starling;
using namespace starling::cli;
using keys = std::vector<std::string>;

namespace {

/// Puts the log back as it was.
class log_as_before {
public:
  ~log_as_before() { log::configure(was_); }

private:
  log_settings was_ = log::current();
};

/// What was logged under `name` behind `number`.
keys logged(const std::string& name, std::uint64_t number) {
  keys details;
  for (auto& one : event_ring::instance().find({.after = number, .name = name}).first)
    details.push_back(one.details);
  return details;
}

} // namespace

TEST_CASE("options that have changed are told by their keys, whatever their type", "[reload]") {
  node_settings before;
  auto after = before;
  CHECK(changed_keys(before, after).empty());
  after.name = "b";
  after.tls.certificate = "chat.pem";
  after.origins = {"https://chat.example.org"};
  after.limits.opens_per_second = 0.5;
  after.create_public_rooms = false;
  after.timings.drain = milliseconds(1);
  CHECK(changed_keys(before, after) == keys{"node.name", "node.create_public_rooms", "node.origins",
                                            "node.tls.certificate", "limits.opens_per_second", "timings.drain"});
}

TEST_CASE("the shards of a master count as one option", "[reload]") {
  master_settings before;
  before.shards = {{"s1", "redis://127.0.0.1:7001", 1}, {"s2", "redis://127.0.0.1:7002", 1}};
  auto after = before;
  CHECK(changed_keys(before, after).empty());
  after.shards[1].weight = 2;
  CHECK(changed_keys(before, after) == keys{"shard"});
  after = before;
  after.shards.pop_back();
  CHECK(changed_keys(before, after) == keys{"shard"});
}

TEST_CASE("a reload sets log levels, and names what needs a restart", "[reload]") {
  const log_as_before restored;
  auto format = log::current().format;
  auto number = event_ring::instance().newest();
  log_settings now;
  now.level = "warn";
  now.levels = {"redis=debug", "config=info"};
  now.format = format == "json" ? "text" : "json"; // which is not a level
  finish_reload(now, {"node.name", "node.tls.key", "log.format", "log.level"}, {"node.tls.key"});
  CHECK(log::current().level == "warn");
  CHECK(log::current().levels == now.levels);
  CHECK(log::current().format == format);
  CHECK(logged("config.needs_restart", number) == keys{"key=node.name", "key=log.format"});
  CHECK(logged("config.reloaded", number) == keys{"needs_restart=2"});
}

TEST_CASE("a reload that is refused says why, line by line", "[reload]") {
  auto number = event_ring::instance().newest();
  refuse_reload({{"node.toml:3: one", "node.toml:4: two"}});
  CHECK(logged("config.not_reloaded", number) == keys{"reason=\"node.toml:3: one\"", "reason=\"node.toml:4: two\""});
}
