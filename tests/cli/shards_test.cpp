#include "tests/cli/loading.hpp"

using namespace starling;
using namespace starling::cli;

TEST_CASE("shards are read with their weights", "[config]") {
  const auto result = load_master(one_shard + R"(
[[shard]]
name = "s2"
address = "redis://db.example.org:6379"
weight = 3
[[shard]]
name = "s3"
address = "unix:///run/redis/3.sock"
[[shard]]
name = "s4"
address = "memory:"
[[shard]]
name = "s5"
address = "memory:"
)");
  REQUIRE(complaints(result).empty());
  const auto& shards = std::get<master_settings>(result).shards;
  REQUIRE(shards.size() == 5);
  CHECK(shards[0].name == "s1");
  CHECK(shards[0].address == "redis://127.0.0.1:7001");
  CHECK(shards[0].weight == 1);
  CHECK(shards[1].address == "redis://db.example.org:6379");
  CHECK(shards[1].weight == 3);
  CHECK(shards[2].address == "unix:///run/redis/3.sock");
}

TEST_CASE("more shards than ten keep their order", "[config]") {
  std::string text;
  for (int i = 0; i < 12; ++i)
    text += "[[shard]]\nname = \"s" + std::to_string(i) + "\"\naddress = \"memory:\"\n";
  const auto result = load_master(text);
  REQUIRE(complaints(result).empty());
  const auto& shards = std::get<master_settings>(result).shards;
  REQUIRE(shards.size() == 12);
  CHECK(shards[2].name == "s2");
  CHECK(shards[11].name == "s11");
}

TEST_CASE("a master needs shards that can be told apart", "[config]") {
  CHECK(master_complaints("") ==
        strings{"master.toml: shard: expected from 1 to 256 shards, each a [[shard]] with name "
                "and address, found 0"});
  CHECK(master_complaints(one_shard + one_shard) ==
        strings{"master.toml:5: shard[1].name: expected a name that no other shard has, found \"s1\"",
                "master.toml:6: shard[1].address: expected an address that no other shard has, found "
                "\"redis://127.0.0.1:7001\""});
  CHECK(master_complaints("[[shard]]\n") ==
        strings{"master.toml: shard[0].name: expected a name, by which the shard keeps its slots, found nothing",
                "master.toml: shard[0].address: expected redis://host:port, unix:///path or memory:, found "
                "nothing"});
  CHECK(master_complaints("[shard]\nname = \"a\"\naddress = \"memory:\"\n") ==
        strings{"master.toml:3: shard: expected tables [[shard]], found [shard]"});
  CHECK(master_complaints("shard = 3\n") == strings{"master.toml:1: shard: expected tables [[shard]], found 3"});
  CHECK(master_complaints("shard = []\n").size() == 1);
  CHECK(master_complaints(one_shard + "weigth = 2\n") ==
        strings{"master.toml:4: shard[0].weigth: unknown option; did you mean shard[0].weight?"});
  CHECK(master_complaints(one_shard + "weight = 1001\n") ==
        strings{"master.toml:4: shard[0].weight: expected a whole number from 1 to 1000, found 1001"});
}

TEST_CASE("the address of a shard is checked", "[config]") {
  const auto said = [](const std::string& address) {
    const strings lines = master_complaints("[[shard]]\nname = \"a\"\naddress = \"" + address + "\"\n");
    REQUIRE(lines.size() == 1);
    return lines[0];
  };
  const std::string where = "master.toml:3: shard[0].address: expected ";
  for (const std::string bad : {"", "127.0.0.1:7001", "redis://", "redis://host", "redis://host:0", "redis://host:1/2",
                                "rediss://host:1", "memory", "unix:/run/a"}) {
    CHECK(said(bad) == where + "redis://host:port, unix:///path or memory:");
  }
  CHECK(said("unix://run/a") == where + "an absolute path after unix://, as in unix:///run/redis.sock");
}

TEST_CASE("a password in an address is refused, and not shown", "[config]") {
  for (const std::string address : {"redis://ann:hunter2@host:6379", "redis://:hunter2@host:6379",
                                    "redis://ann@host:6379", "redis://a:hunter2@b@host:1"}) {
    const strings lines = master_complaints("[[shard]]\nname = \"a\"\naddress = \"" + address + "\"\n");
    CHECK(lines == strings{"master.toml:3: shard[0].address: expected no user and no password in the address: name "
                           "them by redis.user and redis.password_file in the nodes' configuration"});
  }
}
