#include "tests/cli/loading.hpp"

using namespace starling;
using namespace starling::cli;
using namespace std::chrono_literals;

TEST_CASE("without a file the settings are the defaults", "[config]") {
  const auto result = load_node_settings(std::nullopt, {"node.name=a"});
  REQUIRE(complaints(result).empty());
  const auto& settings = std::get<node_settings>(result);
  CHECK(settings.name == "a");
  CHECK(settings.limits.frame_bytes == 64 * 1024);
  CHECK(settings.lease.ttl == 3s);
}

TEST_CASE("every kind of value is read", "[config]") {
  const auto result = load_node(R"(
[node]
name = "b"
listen = "[::1]:0"
url = "wss://chat.example.org/ws"
threads = 4
create_public_rooms = false
[auth]
mode = "token"
[limits]
frame_bytes = "128KiB"
title_bytes = 512
requests_per_second = 7
requests_burst = 12.5
[timings]
ping = "2m"
pong = "1500ms"
[redis]
missed_pings = 5
[log]
levels = ["redis=debug", "room=off"]
)",
                                {});
  REQUIRE(complaints(result).empty());
  const auto& s = std::get<node_settings>(result);
  CHECK(s.name == "b");
  CHECK(s.listen == "[::1]:0");
  CHECK(s.url == "wss://chat.example.org/ws");
  CHECK(s.threads == 4);
  CHECK_FALSE(s.create_public_rooms);
  CHECK(s.auth.mode == "token");
  CHECK(s.limits.frame_bytes == 128 * 1024);
  CHECK(s.limits.title_bytes == 512);
  CHECK(s.limits.requests_per_second == 7);
  CHECK(s.limits.requests_burst == 12.5);
  CHECK(s.timings.ping == 2min);
  CHECK(s.timings.pong == 1500ms);
  CHECK(s.redis.missed_pings == 5);
  CHECK(s.log.levels == strings{"redis=debug", "room=off"});
}

TEST_CASE("a file that cannot be read is one clear line", "[config]") {
  CHECK(complaints(load_node_settings(scratch().path / "none.toml", {})) ==
        strings{"none.toml: cannot be read: No such file or directory"});
  CHECK(complaints(load_node_settings(scratch().path, {})).at(0).ends_with("cannot be read: Is a directory"));
}

TEST_CASE("what is not TOML is told with its line", "[config]") {
  const strings lines = node_complaints("[node]\nname = \"a\nlisten = 1\n");
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], Catch::StartsWith("node.toml:2: not TOML: "));
  CHECK_THAT(node_complaints("[node]\nname = \"a\"\nname = \"b\"\n").at(0),
             Catch::StartsWith("node.toml:3: not TOML: "));
}

TEST_CASE("letters beyond ASCII are for text and comments", "[config]") {
  CHECK(node_complaints("# wie schön\n[log]\n#levels = []\n").empty());
  for (const char* bad : {"name = \"a\" ä\n", "ä = 1\n", "name = ä\n", "Ω\n", "name\u3042 = 1\n", "\U0001F426"}) {
    CAPTURE(bad);
    CHECK_THAT(node_complaints("[node]\n" + std::string(bad)).at(0), Catch::StartsWith("node.toml:2: not TOML: "));
  }
  // A text that goes on in the next line is looked at for space there.
  CHECK(node_complaints("[node]\nurl = \"\"\"ws://a\\\n  ä\"\"\"\n").size() == 1);
}

TEST_CASE("a line that is too long is refused before it is taken apart", "[config]") {
  std::string key = "a"; // each part a table in the one before: as deep as the stack, and deeper
  for (int i = 0; i < 100'000; ++i)
    key += ".a";
  const strings refused{"node.toml:2: expected lines of at most 8KiB"};
  CHECK(node_complaints("[node]\n" + key + " = 1\n") == refused);
  CHECK(node_complaints("[node]\n[" + key + "]\n") == refused);
  CHECK(node_complaints("", {"node.name=a", key + "=1"}) ==
        strings{"--set: expected at most 8KiB, found \"" + key.substr(0, 40) + "\"..."});
  CHECK(node_complaints("#" + std::string(8191, '.') + "\n").empty());
  CHECK(node_complaints("#" + std::string(8192, '.')).size() == 1);
}

TEST_CASE("an unknown option is refused, with what was meant", "[config]") {
  CHECK(node_complaints("[limits]\nframe_byte = 5\n") ==
        strings{"node.toml:2: limits.frame_byte: unknown option; did you mean limits.frame_bytes?"});
  CHECK(node_complaints("frame_bytes = 5\n") ==
        strings{"node.toml:1: frame_bytes: unknown option; did you mean limits.frame_bytes?"});
  CHECK(node_complaints("[limit]\nwho_users = 5\n") ==
        strings{"node.toml:2: limit.who_users: unknown option; did you mean limits.who_users?"});
  CHECK(node_complaints("[colours]\nsky = \"blue\"\n") == strings{"node.toml:2: colours.sky: unknown option"});
  CHECK(node_complaints("\"sky\\nblue\\u001b[31m\" = 1\n") == strings{"node.toml:1: sky blue [31m: unknown option"});
  CHECK(node_complaints("[limit]\n") == strings{"node.toml:1: limit: unknown option"});
  CHECK(node_complaints("[limits]\n").empty());
  CHECK(node_complaints("limits = 5\n") == strings{"node.toml:1: limits: expected a section [limits], found 5"});
}

TEST_CASE("a value of the wrong type is refused", "[config]") {
  CHECK(node_complaints("[limits]\nconnections = \"many\"\n") ==
        strings{"node.toml:2: limits.connections: expected a whole number from 1 to 10000000, found \"many\""});
  CHECK(node_complaints("[limits]\nframe_bytes = 1.5\n") ==
        strings{"node.toml:2: limits.frame_bytes: expected bytes, such as 65536 or \"64KiB\", from 1KiB to 16MiB, "
                "found 1.5"});
  CHECK(node_complaints("[timings]\nping = 25\n") ==
        strings{"node.toml:2: timings.ping: expected a duration with its unit, such as \"500ms\", \"10s\", \"2m\" or "
                "\"1h\", from 100ms to 1h, found 25"});
  CHECK(node_complaints("[timings]\nping = \"25 seconds\"\n").at(0).ends_with("found \"25 seconds\""));
  CHECK(node_complaints("[limits]\nrequests_burst = nan\n") ==
        strings{"node.toml:2: limits.requests_burst: expected a number from 1 to 1000000, found nan"});
  CHECK(node_complaints("[node]\ncreate_public_rooms = \"yes\"\n") ==
        strings{"node.toml:2: node.create_public_rooms: expected true or false, found \"yes\""});
  CHECK(node_complaints("[node]\nname = 7\n", {}).at(0) ==
        "node.toml:2: node.name: expected a name of 1 to 64 letters, digits, '.', '_' and '-', found 7");
  CHECK(node_complaints("[node]\nurl = 2020-01-01\n") ==
        strings{"node.toml:2: node.url: expected a URL that begins with ws:// or wss://, found a date or time"});
  CHECK(node_complaints("[node]\ntable_file = []\n") ==
        strings{"node.toml:2: node.table_file: expected the name of a file, found a list of 0 texts"});
  CHECK(node_complaints("[log]\nlevels = [1]\n").at(0).ends_with("found a list of something else"));
  CHECK(node_complaints("[log]\nlevels = \"redis=debug\"\n").at(0).ends_with("found \"redis=debug\""));
}

TEST_CASE("a value out of its range is refused", "[config]") {
  CHECK(node_complaints("[limits]\nconnections = 0\n") ==
        strings{"node.toml:2: limits.connections: expected a whole number from 1 to 10000000, found 0"});
  CHECK(node_complaints("[limits]\nconnections = -5\n").at(0).ends_with("found -5"));
  CHECK(node_complaints("[limits]\nframe_bytes = \"1GiB\"\n").at(0).ends_with("from 1KiB to 16MiB, found \"1GiB\""));
  CHECK(node_complaints("[lease]\nrenew = \"1ms\"\n").at(0).ends_with("from 10ms to 10m, found \"1ms\""));
  CHECK(node_complaints("[auth]\nalgorithm = \"none\"\n") ==
        strings{"node.toml:2: auth.algorithm: expected \"HS256\", \"RS256\" or \"ES256\", found \"none\""});
  CHECK(node_complaints("[log]\nlevel = \"\"\n").at(0).starts_with("node.toml:2: log.level: expected \"trace\", "));
  CHECK(node_complaints("[log]\nlevels = [\"redis=loud\"]\n") ==
        strings{"node.toml:2: log.levels: expected a list of at most 64 texts such as \"redis=debug\", the level being "
                "\"trace\", \"debug\", \"info\", \"warn\", \"error\" or \"off\", found a list of 1 text"});
  CHECK(node_complaints("[cluster]\nid = \"two words\"\n").at(0).ends_with("found \"two words\""));
}

TEST_CASE("an address must be host:port", "[config]") {
  const std::string expected = "node.listen: expected host:port, such as \"127.0.0.1:8080\" or \"[::1]:8080\", found ";
  for (const std::string bad : {"8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536",
                                "::1:80", "[::1:80", "a b:80", "ws://a:80"}) {
    CHECK(node_complaints("[node]\nlisten = \"" + bad + "\"\n") ==
          strings{"node.toml:2: " + expected + '"' + bad + '"'});
  }
  CHECK(node_complaints("[node]\nlisten = \"localhost:80\"\n").empty());
  // A node may listen anywhere, but the master must be where nodes look for it.
  CHECK(node_complaints("[cluster]\nmaster = \"127.0.0.1:0\"\n").size() == 1);
}

TEST_CASE("values that contradict each other are refused", "[config]") {
  CHECK(node_complaints("[cluster]\nheartbeat = \"2s\"\n") ==
        strings{"node.toml: cluster.dead_after: expected at least twice cluster.heartbeat, which is 2s, found 3s"});
  CHECK(node_complaints("[lease]\nttl = \"1500ms\"\n") ==
        strings{"node.toml:2: lease.ttl: expected at least twice lease.renew, which is 1s, found 1500ms"});
  CHECK(node_complaints("[limits]\noutbox_bytes = \"32KiB\"\n") ==
        strings{"node.toml:2: limits.outbox_bytes: expected at least limits.frame_bytes, which is 64KiB, found 32KiB"});
  CHECK(node_complaints("[limits]\ntext_bytes = \"64KiB\"\n") ==
        strings{"node.toml:2: limits.text_bytes: expected less than limits.frame_bytes, which is 64KiB, found 64KiB"});
  CHECK(node_complaints("[limits]\ndata_bytes = \"1MiB\"\n") ==
        strings{"node.toml:2: limits.data_bytes: expected less than limits.frame_bytes, which is 64KiB, found 1MiB"});
  CHECK(node_complaints("[limits]\nlog_messages = 299\n") ==
        strings{"node.toml: limits.history_messages: expected at most limits.log_messages, which is 299, found 300"});
  CHECK(node_complaints("[timings]\npong = \"26s\"\n") ==
        strings{"node.toml:2: timings.pong: expected at most timings.ping, which is 25s, found 26s"});
  CHECK(node_complaints("[timings]\nrequest = \"2s\"\n") ==
        strings{"node.toml:2: timings.request: expected more than redis.answer, which is 2s, found 2s"});
  CHECK(node_complaints("[redis]\nbackoff_min = \"2s\"\n") ==
        strings{"node.toml: redis.backoff_max: expected at least redis.backoff_min, which is 2s, found 1s"});
}

TEST_CASE("a node must have a name", "[config]") {
  CHECK(node_complaints("", {}) ==
        strings{"node.toml: node.name: expected a name that no other node of the cluster has "
                "(--name a, or node.name in the file), found nothing"});
  CHECK(complaints(load_node_settings(std::nullopt, {})).at(0).starts_with("node.name: expected a name"));
}

TEST_CASE("mode open beyond loopback must be asked for twice", "[config]") {
  CHECK(
      node_complaints("[node]\nlisten = \"192.168.0.7:8080\"\n") ==
      strings{"node.toml: auth.mode: expected \"token\" when node.listen is beyond loopback (192.168.0.7:8080), since "
              "in mode \"open\" anyone may be anyone; or auth.open_beyond_loopback = true if that is meant, found "
              "\"open\""});
  CHECK(node_complaints("[node]\nlisten = \"127.example.org:8080\"\n").size() == 1);
  CHECK(node_complaints("[node]\nlisten = \"192.168.0.7:8080\"\n[auth]\nopen_beyond_loopback = true\n").empty());
  CHECK(node_complaints("[node]\nlisten = \"192.168.0.7:8080\"\n[auth]\nmode = \"token\"\n").empty());
  CHECK(node_complaints("[node]\nlisten = \"127.8.8.8:8080\"\n").empty());
}

TEST_CASE("beyond loopback processes must speak TLS, and whole", "[config]") {
  const std::string whole = "[cluster.tls]\nca = \"ca.pem\"\ncertificate = \"a.pem\"\nkey = \"a.key\"\n";
  const auto needed = [](const std::string& option, const std::string& why) {
    return "node.toml: cluster.tls." + option + ": expected a file in PEM: cluster.tls is needed whole, since " + why +
           ", found nothing";
  };
  CHECK(node_complaints("[cluster]\nmaster = \"10.0.0.1:7400\"\n") ==
        strings{needed("ca", "cluster.master is beyond loopback (10.0.0.1:7400)"),
                needed("certificate", "cluster.master is beyond loopback (10.0.0.1:7400)"),
                needed("key", "cluster.master is beyond loopback (10.0.0.1:7400)")});
  CHECK(node_complaints("[inspect]\nlisten = \"0.0.0.0:7401\"\n").size() == 3);
  CHECK(node_complaints("[cluster.tls]\nca = \"ca.pem\"\nkey = \"a.key\"\n") ==
        strings{needed("certificate", "it is set in part")});
  CHECK(node_complaints("[cluster]\nmaster = \"10.0.0.1:7400\"\n" + whole).empty());
  CHECK(node_complaints(whole).empty());
}

TEST_CASE("TLS for clients is set whole or not at all", "[config]") {
  CHECK(node_complaints("[node.tls]\ncertificate = \"a.pem\"\n") ==
        strings{"node.toml: node.tls.key: expected a file in PEM, since node.tls is needed whole and the other half is "
                "set, found nothing"});
  CHECK(node_complaints("[node.tls]\nkey = \"a.key\"\n").size() == 1);
  CHECK(node_complaints("[node.tls]\ncertificate = \"a.pem\"\nkey = \"a.key\"\n").empty());
}

TEST_CASE("the server API stays on its machine", "[config]") {
  CHECK(node_complaints("[api]\nlisten = \"10.0.0.1:7480\"\n") ==
        strings{"node.toml:2: api.listen: expected an address of this machine alone (a proxy that speaks TLS may stand "
                "before it), found \"10.0.0.1:7480\""});
  CHECK(node_complaints("[api]\nlisten = \"[::1]:0\"\n").empty());
}

TEST_CASE("origins and proxies are lists of what they say", "[config]") {
  CHECK(node_complaints("[node]\norigins = [\"https://a.example\", \"http://[::1]:8080\"]\n").empty());
  CHECK(node_complaints("[node]\nproxies = []\n").empty());
  for (const char* bad : {"a.example", "https://a.example/", "https://A.example", "ftp://a", "https://", "null"}) {
    CAPTURE(bad);
    CHECK(
        node_complaints("[node]\norigins = [\"" + std::string(bad) + "\"]\n") ==
        strings{"node.toml:2: node.origins: expected a list of at most 64 texts such as \"https://chat.example.org\", "
                "found a list of 1 text"});
  }
  for (const char* bad : {"localhost", "[::1]", "10.0.0", "10.0.0.1:80", ""}) {
    CAPTURE(bad);
    CHECK(node_complaints("[node]\nproxies = [\"" + std::string(bad) + "\"]\n").size() == 1);
  }
}

TEST_CASE("a node that listens on every interface must say its address", "[config]") {
  CHECK(node_complaints("[node]\nlisten = \"0.0.0.0:8080\"\n[auth]\nmode = \"token\"\n") ==
        strings{"node.toml: node.url: expected the address at which clients reach this node, since node.listen is "
                "0.0.0.0:8080, found nothing"});
  CHECK(node_complaints("[node]\nlisten = \"[::]:80\"\nurl = \"ws://a/ws\"\n[auth]\nmode = \"token\"\n").empty());
}

TEST_CASE("everything that is wrong is told, in the order of the file", "[config]") {
  CHECK(
      node_complaints("[redis]\nconnect = 1\n[limits]\nwho_user = 5\nframe_bytes = true\n",
                      {"node.name=a b", "timings.pin=5s"}) ==
      strings{("node.toml:2: redis.connect: expected a duration with its unit, such as \"500ms\", \"10s\", \"2m\" or "
               "\"1h\", from 10ms to 1m, found 1"),
              "node.toml:4: limits.who_user: unknown option; did you mean limits.who_users?",
              ("node.toml:5: limits.frame_bytes: expected bytes, such as 65536 or \"64KiB\", from 1KiB to 16MiB, found "
               "true"),
              "--set node.name: expected a name of 1 to 64 letters, digits, '.', '_' and '-', found \"a b\"",
              "--set timings.pin: unknown option; did you mean timings.ping?"});
}

TEST_CASE("an override replaces what the file says", "[config]") {
  const auto result =
      load_node("[limits]\nframe_bytes = \"32KiB\"\n[node]\nname = \"a\"\n",
                {"limits.frame_bytes=128KiB", "node.name=7", "node.listen=127.0.0.1:9000", "timings.ping=\"30s\"",
                 "log.levels=redis=trace", "node.create_public_rooms=false", "node.name=8"});
  REQUIRE(complaints(result).empty());
  const auto& s = std::get<node_settings>(result);
  CHECK(s.limits.frame_bytes == 128 * 1024);
  CHECK(s.name == "8"); // the last one counts
  CHECK(s.listen == "127.0.0.1:9000");
  CHECK(s.timings.ping == 30s);
  CHECK(s.log.levels == strings{"redis=trace"});
  CHECK_FALSE(s.create_public_rooms);
}

TEST_CASE("an override is checked like the file", "[config]") {
  CHECK(node_complaints("", {"node.name=a", "limits.connections=x"}) ==
        strings{"--set limits.connections: expected a whole number from 1 to 10000000, found \"x\""});
  CHECK(node_complaints("", {"node.name=a", "lease.ttl=1s"}) ==
        strings{"--set lease.ttl: expected at least twice lease.renew, which is 1s, found 1s"});
  CHECK(node_complaints("", {"node.name=a", "nonsense"}) == strings{"--set nonsense: expected section.option=value"});
  CHECK(node_complaints("", {"node.name=a", "limits={connections=0}"}).at(0).starts_with("--set limits.connections: "));
  CHECK(node_complaints("", {"node.name=a", "node.url=x\nnode.threads=5"}).at(0).starts_with("--set node.url: "));
}

TEST_CASE("file names are relative to the configuration", "[config]") {
  const auto result = load_node("[cluster]\ntoken_file = \"secrets/token\"\n[auth]\nkey_file = \"/etc/key.pem\"\n",
                                {"node.name=a", "node.table_file=table.json"});
  REQUIRE(complaints(result).empty());
  const auto& s = std::get<node_settings>(result);
  CHECK(s.cluster.token_file == (scratch().path / "secrets/token").string());
  CHECK(s.auth.key_file == "/etc/key.pem");
  CHECK(s.table_file == "table.json");
  CHECK(s.redis.password_file.empty());

  const auto master = load_master(one_shard);
  REQUIRE(complaints(master).empty());
  CHECK(std::get<master_settings>(master).state_file == (scratch().path / "master.json").string());
  CHECK(std::get<master_settings>(load_master_settings(std::nullopt, {"shard=[{name='a',address='memory:'}]"}))
            .state_file == "master.json");
}
