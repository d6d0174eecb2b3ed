#include "tests/support/cluster.hpp"

#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <stdexcept>

#include <catch2/catch.hpp>

#include "tests/support/failures.hpp"
#include "tests/support/http_request.hpp"

namespace starling::test {

namespace {

using namespace std::chrono_literals;

/// What the processes under test find in their environment.
std::vector<std::string> sanitizers() {
  return {"LSAN_OPTIONS=print_suppressions=0:suppressions=" STARLING_SOURCE_DIR "/tests/support/lsan.supp"};
}

/// Where a sanitizer's report begins in a log.
std::size_t sanitizer_report(const std::string& log) {
  auto first = std::string::npos;
  for (const auto* mark : {"ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error: "})
    first = std::min(first, log.find(mark));
  return first;
}

/// The end of a log, whole lines; with a sanitizer's report, all of that.
std::string tail(const std::string& log) {
  constexpr std::size_t bytes_max = 8000;
  const auto begin = std::min(sanitizer_report(log), log.size() <= bytes_max ? 0 : log.size() - bytes_max);
  return begin == 0 ? log : "[...]" + log.substr(std::min(log.rfind('\n', begin), begin));
}

} // namespace

std::vector<std::string> tls_options(const std::string& directory, const std::string& name) {
  return {"cluster.tls.ca=\"" + directory + "/ca.pem\"",
          "cluster.tls.certificate=\"" + directory + "/" + name + ".pem\"",
          "cluster.tls.key=\"" + directory + "/" + name + ".key\""};
}

cluster::cluster(cluster_plan plan) : plan_(std::move(plan)) {
  for (std::size_t i = 0; i < plan_.shards; ++i) {
    shards_.push_back(
        std::make_unique<redis_process>(redis_options{.append_only = true,
                                                      .user = plan_.redis_rules.empty() ? "" : "starling",
                                                      .password = plan_.redis_password,
                                                      .rules = plan_.redis_rules,
                                                      .also_bind = plan_.between ? plan_.between->outside() : ""}));
    if (plan_.proxies)
      proxies_.push_back(std::make_unique<fault_proxy>("127.0.0.1", shards_.back()->port(), *plan_.proxies));
  }
  write_configuration(server_port());
  std::vector<std::string> arguments = {"master", "--config", directory_ / "master.toml"};
  for (const auto& option : plan_.set_for["master"])
    arguments.insert(arguments.end(), {"--set", option});
  master_ = start("master", arguments);
  for (const auto& name : plan_.nodes)
    start_node(name);
  for (const auto& name : plan_.nodes)
    wait_ready(name);
}

cluster::~cluster() {
  const auto failing_before = test_is_failing();
  for (auto& each : proxies_)
    each->heal(); // nodes say goodbye to Redis
  // All at once: each takes its time to say goodbye.
  if (!failing_before)
    for (auto& [name, entry] : nodes_)
      entry.process->signal(SIGTERM);
  for (auto& [name, entry] : nodes_)
    end(name, *entry.process);
  if (master_) end("master", *master_);
  if (test_is_failing()) std::cerr << logs();
}

std::unique_ptr<child_process> cluster::start(const std::string& name,
                                              const std::vector<std::string>& arguments) const {
  std::vector<std::string> command;
  if (plan_.between) command = plan_.between->enter(name);
  if (const auto found = plan_.under.find(name); found != plan_.under.end())
    command.insert(command.end(), found->second.begin(), found->second.end());
  command.emplace_back(STARLING_EXECUTABLE);
  command.insert(command.end(), arguments.begin(), arguments.end());
  auto variables = sanitizers();
  if (const auto found = plan_.environment.find(name); found != plan_.environment.end())
    variables.insert(variables.end(), found->second.begin(), found->second.end()); // the first of a name counts
  if (!plan_.redis_password.empty()) variables.push_back("STARLING_REDIS_PASSWORD=" + plan_.redis_password);
  return std::make_unique<child_process>(command, directory_ / (name + ".log"), variables);
}

void cluster::end(const std::string& name, child_process& process) {
  if (!test_is_failing()) {
    process.cont();
    const auto status = process.terminate(15s);
    // 137: the test itself has killed it.
    if (!status)
      FAIL_CHECK(name << " did not end within 15 s of SIGTERM");
    else if (*status != 0 && *status != 128 + SIGKILL)
      FAIL_CHECK(name << " ended with " << *status);
    if (sanitizer_report(log_of(name)) != std::string::npos) FAIL_CHECK(name << " has a sanitizer's report in its log");
  }
  process.kill9();
}

void cluster::write_configuration(std::uint16_t master_port) const {
  write_file(directory_ / "cluster.token", "a token that only this cluster knows\n");
  // To look closer at a failure: STARLING_TEST_LOG=debug
  const auto* level = std::getenv("STARLING_TEST_LOG");
  const auto common = "[log]\nlevel = \"" + std::string(level ? level : "info") +
                      "\"\n[cluster]\nid = \"test\"\nmaster = \"" +
                      (plan_.between ? plan_.between->address_of("master") : "127.0.0.1") + ":" +
                      std::to_string(master_port) + "\"\ntoken_file = \"" + directory_ / "cluster.token" +
                      "\"\nheartbeat = \"500ms\"\ndead_after = \"" + plan_.dead_after + "\"\n";
  auto tls = [this](const std::string& name) {
    std::string table;
    if (plan_.tls)
      for (const auto& option : tls_options(directory_ / "tls", name))
        table += (table.empty() ? "[cluster.tls]\n" : "") + option.substr(std::string("cluster.tls.").size()) + "\n";
    return table;
  };
  if (plan_.tls) run_or_throw({STARLING_SOURCE_DIR "/config/test-ca", directory_ / "tls", "master", "node"});
  auto master = "[master]\nstate_file = \"" + directory_ / "master.json" + "\"\n" + common;
  master += tls("master");
  for (std::size_t i = 0; i < shards_.size(); ++i)
    master += "[[shard]]\nname = \"s" + std::to_string(i) + "\"\naddress = \"" + address_of(i) + "\"\nweight = 1\n";
  write_file(directory_ / "master.toml", master);
  // A short drain: clients of tests go when they are told to.
  write_file(directory_ / "node.toml", common + tls("node") + "[auth]\nmode = \"open\"\n[timings]\ndrain = \"3s\"\n" +
                                           (plan_.redis_rules.empty() ? "" : "[redis]\nuser = \"starling\"\n"));
}

std::string cluster::address_of(std::size_t shard) const {
  if (!plan_.proxies) return shards_[shard]->address();
  return "redis://127.0.0.1:" + std::to_string(proxies_[shard]->port());
}

void cluster::start_node(const std::string& name) {
  auto port = server_port();
  std::vector<std::string> arguments = {"node",
                                        "--config",
                                        directory_ / "node.toml",
                                        "--name",
                                        name,
                                        "--listen",
                                        "127.0.0.1:" + std::to_string(port),
                                        "--set",
                                        "node.table_file=\"" + directory_ / (name + ".table.json") + "\""};
  std::unique_ptr<fault_proxy> door;
  if (plan_.between) {
    door = std::make_unique<fault_proxy>("127.0.0.1", port,
                                         fault_proxy_options{.network_namespace = plan_.between->file_of(name)});
    port = door->port();
    arguments.insert(arguments.end(), {"--set", "node.url=\"ws://127.0.0.1:" + std::to_string(port) + "/ws\""});
  }
  for (const auto& option : plan_.set)
    arguments.insert(arguments.end(), {"--set", option});
  for (const auto& option : plan_.set_for[name])
    arguments.insert(arguments.end(), {"--set", option});
  nodes_[name] = {port, start(name, arguments), std::move(door)};
}

bool cluster::is_ready(const std::string& name) const { return http_get(port(name), "/readyz").status == 200; }

void cluster::wait_ready(const std::string& name, std::chrono::seconds at_most) {
  auto& process = node(name);
  if (eventually([&] { return !process.running() || is_ready(name); }, at_most) && process.running()) return;
  throw std::runtime_error("node " + name + (process.running() ? " is not ready: " : " has ended: ") +
                           http_get(port(name), "/readyz").body + "\n" + logs());
}

std::string cluster::url(const std::string& node) const {
  return "ws://127.0.0.1:" + std::to_string(port(node)) + "/ws";
}

bool cluster::knows(const std::string& asked, const std::string& other) const {
  const auto reply = http_get(port(asked), "/nodes");
  return reply.status == 200 && reply.body.find(url(other)) != std::string::npos;
}

dial cluster::as(const std::string& user, const std::string& node) const { return {port(node), "/ws?user=" + user}; }

std::size_t cluster::shard_of(const std::string& room) const {
  for (std::size_t i = 0; i < shards_.size(); ++i)
    if (shards_[i]->command({"EXISTS", "room:info:" + room}).to_int() == 1) return i;
  throw std::runtime_error("no shard holds " + room);
}

std::vector<std::string> cluster::room_on_each_shard(chat_client& maker, const std::string& prefix) const {
  std::vector<std::string> found(shards_.size());
  std::size_t missing = found.size();
  for (int i = 0; missing > 0 && i < 200; ++i) {
    const auto room = prefix + std::to_string(i);
    maker.ask("room.join", {{"room", room}});
    maker.ask("message.send", {{"room", room}, {"text", "first"}});
    auto& place = found.at(shard_of(room));
    if (!place.empty()) continue;
    place = room;
    --missing;
  }
  if (missing > 0) throw std::runtime_error("200 rooms are not on all shards");
  return found;
}

std::string cluster::logs() const {
  std::string text;
  const auto add = [&](const std::string& name) { text += "---- " + name + "\n" + tail(log_of(name)); };
  if (master_) add("master");
  for (const auto& [name, entry] : nodes_)
    add(name);
  return text;
}

} // namespace starling::test
