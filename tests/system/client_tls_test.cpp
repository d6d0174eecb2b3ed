// Clients that connect by TLS, and what a node takes over on SIGHUP: certificates, keys of tokens, log levels.
#include <csignal>
#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/support/cluster.hpp"
#include "tests/support/secure_client.hpp"
#include "tests/support/tokens.hpp"

using namespace starling::test;
using namespace std::chrono_literals;

namespace {

/// A cluster of one node that speaks TLS to its clients, with certificates of an authority of the clients' own.
class secure_node {
public:
  secure_node() {
    run_or_throw({STARLING_SOURCE_DIR "/config/test-ca", certificates_.path(), "first", "second"});
    show("first");
    all_ = std::make_unique<cluster>(cluster_plan{.shards = 1,
                                                  .nodes = {},
                                                  .set = {"node.tls.certificate=\"" + certificate() + "\"",
                                                          "node.tls.key=\"" + (certificates_ / "node.key") + "\""}});
    all_->start_node("a");
    const auto ready = [&] { return secure_client(port(), ca()).get("/readyz").status == 200; };
    if (!eventually([&] { return without_failing(ready); }, 30s)) throw std::runtime_error(log());
  }

  std::uint16_t port() const { return all_->port("a"); }
  std::string ca() const { return certificates_ / "ca.pem"; }
  std::string certificate() const { return certificates_ / "node.pem"; }
  std::string configuration() const { return all_->directory() / "node.toml"; }
  std::string log() const { return all_->log_of("a"); }
  std::string shown() const { return secure_client(port(), ca()).shown(); }

  /// Puts the certificate with this name where the node looks for its own.
  void show(const std::string& name) const {
    write_file(certificates_ / "node.pem", read_file(certificates_ / (name + ".pem")));
    write_file(certificates_ / "node.key", read_file(certificates_ / (name + ".key")));
  }

  /// Has it read its configuration, and waits until it logs `event`; returns what it has logged since.
  std::string reload(const std::string& event) {
    const auto before = log().size();
    all_->node("a").signal(SIGHUP);
    if (!eventually([&] { return log().find(event, before) != std::string::npos; }))
      throw std::runtime_error("no " + event + ": " + log().substr(before));
    return log().substr(before);
  }

private:
  template <class Condition>
  static bool without_failing(Condition met) {
    try {
      return met();
    } catch (const std::runtime_error&) {
      return false; // it does not listen yet
    }
  }

  scratch_directory certificates_;
  std::unique_ptr<cluster> all_;
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("people chat by wss, and other nodes' clients are told so", "[client_tls]") {
  const secure_node node;
  secure_client ann(node.port(), node.ca());
  ann.upgrade("/ws?user=ann");
  CHECK(ann.expect("session.opened")["user"] == "ann");
  secure_client bob(node.port(), node.ca());
  bob.upgrade("/ws?user=bob");
  ann.ask("room.join", {{"room", "tea"}});
  bob.ask("room.join", {{"room", "tea"}});
  const std::string text(10'000, 'x');
  CHECK(ann.ask("message.send", {{"room", "tea"}, {"text", text}})["seq"] == 1);
  CHECK(bob.expect("message")["text"] == text);
  const auto nodes = secure_client(node.port(), node.ca()).get("/nodes");
  CHECK(has(nodes.body, "wss://127.0.0.1:" + std::to_string(node.port()) + "/ws"));
  CHECK(http_get(node.port(), "/readyz").status == 400);
}

TEST_CASE("a renewed certificate is taken over on SIGHUP, and a broken one is not", "[client_tls]") {
  secure_node node;
  secure_client ann(node.port(), node.ca());
  ann.upgrade("/ws?user=ann");
  ann.ask("room.join", {{"room", "tea"}});
  CHECK(ann.shown() == "first");

  node.show("second");
  CHECK(node.shown() == "first");
  CHECK(has(node.reload("config.reloaded"), "needs_restart=0"));
  CHECK(node.shown() == "second");
  CHECK(ann.ask("message.send", {{"room", "tea"}, {"text", "still here"}})["seq"] == 1);

  write_file(node.certificate(), "not a certificate\n");
  CHECK(has(node.reload("config.not_reloaded"), "node.tls.certificate: " + node.certificate() + ": no start line"));
  CHECK(node.shown() == "second");
  CHECK(ann.ask("message.send", {{"room", "tea"}, {"text", "and still"}})["seq"] == 2);
}

TEST_CASE("log levels change on SIGHUP, what needs a restart is named, and a mistake changes nothing", "[client_tls]") {
  secure_node node;
  const auto settings = read_file(node.configuration());
  const auto refused_handshake = [&] { http_get(node.port(), "/"); };
  refused_handshake();
  write_file(node.configuration(), "[limits]\nconnections = 5\n" + settings);
  CHECK(has(node.reload("config.reloaded"), "config.needs_restart key=limits.connections"));
  CHECK(!has(node.log(), "tls.refused"));

  write_file(node.configuration(), "[log]\nlevels = [\"tls=debug\"]\n" + settings.substr(settings.find("[cluster]")));
  node.reload("config.reloaded");
  refused_handshake();
  CHECK(eventually([&] { return has(node.log(), "tls.refused"); }));

  write_file(node.configuration(), "[log]\nlevel = \"loud\"\n" + settings.substr(settings.find("[cluster]")));
  CHECK(has(node.reload("config.not_reloaded"), "node.toml:2: log.level: expected"));
  CHECK(node.shown() == "first");
}

TEST_CASE("a new key for tokens counts from SIGHUP on, and a master may be sent one, too", "[client_tls]") {
  const scratch_directory keys;
  const auto key = keys / "key";
  write_file(key, "the first secret of at least 32 bytes\n");
  cluster c({.shards = 1, .nodes = {"a"}, .set = {"auth.mode=\"token\"", "auth.key_file=\"" + key + "\""}});
  client_loop loop;
  const auto enters = [&](const std::string& token) {
    chat_client client(loop, {c.port("a"), "/ws?token=" + token});
    return client.wait_for([](const json& frame) { return frame.value("method", "") == "session.opened"; }).has_value();
  };
  const auto reload = [&](const std::string& process, child_process& which) {
    const auto before = c.log_of(process).size();
    which.signal(SIGHUP);
    CHECK(eventually([&] { return c.log_of(process).find("config.reloaded", before) != std::string::npos; }));
  };
  const auto first = starling_token("ann", "1h", key);
  CHECK(enters(first));
  write_file(key, "another secret of at least 32 bytes\n");
  const auto second = starling_token("ann", "1h", key);
  CHECK(!enters(second));
  reload("a", c.node("a"));
  CHECK(enters(second));
  CHECK(!enters(first));
  reload("master", c.master());
  CHECK(c.is_ready("a"));
}
