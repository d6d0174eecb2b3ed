#include "cli/up_plan.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <csignal>
#include <fstream>
#include <set>
#include <stdexcept>
#include <thread>
#include <variant>

#include "cli/config.hpp"

namespace starling::cli {
namespace {

namespace fs = std::filesystem;
using boost::asio::ip::tcp;

std::string numbered(const char* kind, unsigned i) { return std::string(kind) + "-" + std::to_string(i); }
std::string loopback(unsigned port) { return "127.0.0.1:" + std::to_string(port); }

// A TOML basic string.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream out(path, std::ios::trunc);
  out << "# Written by `starling up` at each of its starts: changes here do not last.\n" << text;
  out.close();
  if (!out) throw std::runtime_error("cannot write " + path.string());
}

std::string cluster_section(const up_options& options) {
  return "\n[cluster]\nmaster = " + quoted(loopback(options.master_port)) +
         "\ntoken_file = " + quoted((options.data / "cluster.token").string()) + "\n";
}

// In memory nothing outlives the processes, and so neither may the table of what was where.
fs::path state_file(const up_options& options, const std::string& name) {
  if (!options.memory) return options.data / name;
  fs::create_directories(options.data / "memory");
  auto path = options.data / "memory" / name;
  fs::remove(path);
  return path;
}

std::string master_toml(const up_options& options) {
  auto text = "\n[master]\nstate_file = " + quoted(state_file(options, "master.json").string()) + "\n" +
              cluster_section(options);
  for (unsigned i = 1; i <= options.shards; ++i) {
    const auto address = options.memory ? "memory:" : "redis://" + loopback(options.redis_port + i - 1);
    text += "\n[[shard]]\nname = " + quoted(numbered("shard", i)) + "\naddress = " + quoted(address) + "\nweight = 1\n";
  }
  return text;
}

// The nodes share the machine: more threads than cores would only pass work to and fro.
unsigned threads_per_node(const up_options& options) {
  return std::max(1U, std::thread::hardware_concurrency() / std::max(1U, options.nodes));
}

std::string node_toml(const up_options& options, unsigned i) {
  const auto name = numbered("node", i);
  return "\n[node]\nname = " + quoted(name) + "\nlisten = " + quoted(loopback(options.port + i - 1)) +
         "\nthreads = " + std::to_string(threads_per_node(options)) +
         "\ntable_file = " + quoted(state_file(options, name + ".table").string()) + "\n" + cluster_section(options) +
         "\n[api]\nlisten = " + quoted(loopback(options.api_port + i - 1)) +
         "\n\n[timings]\ndrain = \"2s\"\n"; // whoever presses Ctrl-C waits for it
}

fs::path log_of(const up_options& options, const std::string& name) { return options.data / "log" / (name + ".log"); }

child_spec redis_spec(const up_options& options, unsigned i) {
  const auto name = numbered("redis", i);
  const auto port = static_cast<std::uint16_t>(options.redis_port + i - 1);
  const auto dir = options.data / name;
  fs::create_directories(dir);
  child_spec spec{.name = name, .argv = {}, .log_file = log_of(options, name), .ready = {}};
  spec.argv = {"redis-server",
               "--port",
               std::to_string(port),
               "--bind",
               "127.0.0.1",
               "--dir",
               dir.string(),
               "--appendonly",
               "yes",
               "--appendfsync",
               "everysec",
               "--save",
               "",
               "--daemonize",
               "no"};
  spec.ready = {ready_check::kind::redis, port, {}};
  spec.orphan_signal = SIGTERM; // it writes out what it has appended
  return spec;
}

child_spec master_spec(const up_options& options, const std::string& executable) {
  const auto config = options.data / "master.toml";
  write_file(config, master_toml(options));
  child_spec spec{.name = "master", .argv = {}, .log_file = log_of(options, "master"), .ready = {}};
  spec.argv = {executable, "master", "--config", config.string()};
  spec.ready = {ready_check::kind::listens, options.master_port, {}};
  return spec;
}

child_spec node_spec(const up_options& options, const std::string& executable, unsigned i) {
  const auto name = numbered("node", i);
  const auto config = options.data / (name + ".toml");
  write_file(config, node_toml(options, i));
  child_spec spec{.name = name, .argv = {}, .log_file = log_of(options, name), .ready = {}};
  spec.argv = {executable, "node", "--config", config.string()};
  for (const auto& each : options.overrides)
    spec.argv.insert(spec.argv.end(), {"--set", each});
  auto loaded = load_node_settings(config, options.overrides); // else the node would fail with it, again and again
  if (auto* error = std::get_if<load_error>(&loaded)) throw std::runtime_error(error->lines.front());
  if (std::get<node_settings>(loaded).tls.on())
    throw std::runtime_error(
        "node.tls: a cluster of `starling up` is asked in the clear whether it is ready; start its "
        "processes by hand for TLS");
  spec.ready = {ready_check::kind::http, static_cast<std::uint16_t>(options.port + i - 1), "/readyz"};
  return spec;
}

boost::system::error_code try_port(unsigned port) {
  boost::asio::io_context io;
  tcp::acceptor acceptor{io};
  boost::system::error_code failed;
  acceptor.open(tcp::v4(), failed);
  // As the servers do: connections of an earlier run that are still closing do not count.
  if (!failed) acceptor.set_option(tcp::acceptor::reuse_address(true), failed);
  if (!failed) acceptor.bind({boost::asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(port)}, failed);
  if (!failed) acceptor.listen(1, failed);
  return failed;
}

} // namespace

std::vector<listening> who_listens(const up_options& options) {
  std::vector<listening> all;
  if (!options.memory)
    for (unsigned i = 1; i <= options.shards; ++i)
      all.push_back({numbered("redis", i), options.redis_port + i - 1, "--redis-port"});
  all.push_back({"master", options.master_port, "--master-port"});
  for (unsigned i = 1; i <= options.nodes; ++i)
    all.push_back({numbered("node", i), options.port + i - 1, "--port"});
  if (options.api)
    for (unsigned i = 1; i <= options.nodes; ++i)
      all.push_back({"the server API of " + numbered("node", i), options.api_port + i - 1, "--api-port"});
  return all;
}

std::string port_trouble(const std::vector<listening>& wanted) {
  std::set<unsigned> seen;
  for (const auto& [name, port, option] : wanted) {
    const auto of_whom = "port " + std::to_string(port) + " (of " + name + ") ";
    if (port > 65535) return of_whom + "does not exist: begin lower, by " + option;
    if (!seen.insert(port).second) return of_whom + "is asked for twice: choose another by " + option;
    const auto failed = try_port(port);
    if (failed == boost::asio::error::address_in_use)
      return of_whom + "is taken: stop what listens there, or choose another by " + option;
    if (failed) return of_whom + "cannot be had: " + failed.message() + "; choose another by " + option;
  }
  return {};
}

std::vector<stage> plan_cluster(const up_options& options, const std::string& executable) {
  fs::create_directories(options.data / "log");
  std::vector<stage> stages;
  if (!options.memory) {
    auto& shards = stages.emplace_back();
    for (unsigned i = 1; i <= options.shards; ++i)
      shards.push_back(redis_spec(options, i));
  }
  stages.push_back({master_spec(options, executable)});
  auto& nodes = stages.emplace_back();
  for (unsigned i = 1; i <= options.nodes; ++i)
    nodes.push_back(node_spec(options, executable, i));
  return stages;
}

} // namespace starling::cli
