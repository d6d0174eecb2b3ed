#include "cli/commands.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <chrono>
#include <csignal>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>

#include "cli/data_directory.hpp"
#include "cli/descriptor.hpp"
#include "cli/supervisor.hpp"
#include "cli/up_plan.hpp"

namespace starling::cli {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;

void say(const std::string& line) { std::cout << line << std::endl; } // flushed: it may go through a pipe

bool is_on_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream directories{path ? path : "/usr/bin:/bin"};
  for (std::string directory; std::getline(directories, directory, ':');)
    if (access((fs::path(directory) / program).c_str(), X_OK) == 0) return true;
  return false;
}

// Without Redis there is one node: what is in its memory, no other can reach.
void choose_store(up_options& options, bool nodes_given) {
  std::string why = "--memory";
  if (!options.memory) {
    if (is_on_path("redis-server")) return;
    why = "no redis-server on PATH (Debian: apt-get install redis-server)";
    options.memory = true;
  }
  if (nodes_given && options.nodes > 1)
    throw std::runtime_error(why + ": the shards live in the memory of one node, so --nodes can only be 1");
  options.nodes = 1;
  say(why + ": the shards live in the memory of one node, and nothing outlives it");
}

std::string welcome(const up_options& options) {
  std::ostringstream text;
  text << "\nStarling is up. Chat in a browser, on any node:\n";
  for (const auto& process : who_listens(options))
    if (process.name.starts_with("node"))
      text << "  http://127.0.0.1:" << process.port << "/   " << process.name << "\n";
  text << "Look inside:  http://127.0.0.1:" << options.port << "/console, or\n"
       << "              starling console --config " << (options.data / "master.toml").string() << "\n"
       << (options.api ? "Server API:   http://127.0.0.1:" + std::to_string(options.api_port) + "/api/openapi.json\n"
                       : "")
       << "Logs:         tail -f " << (options.data / "log").string() << "/*.log\n"
       << "Try it:       kill -9 any process of the cluster; it comes back\n"
       << "Stop:         Ctrl-C\n";
  return text.str();
}

bool has_terminal() {
  const descriptor terminal(::open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY));
  return terminal.get() >= 0;
}

// Ctrl-C, `kill`, a closed terminal: the first ends the cluster in order, the next at once. SIGHUP while the terminal
// is there, or where there never was one, is an operator's: master and nodes read their configuration again.
class stop_signals {
public:
  stop_signals(asio::io_context& io, supervisor& cluster) : signals_(io, SIGINT, SIGTERM), cluster_(cluster) {
    // Under nohup it is ignored, and has to stay so.
    struct sigaction hangup {};
    if (sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler != SIG_IGN) signals_.add(SIGHUP);
    wait();
  }

  void cancel() { signals_.cancel(); }

private:
  using clock = std::chrono::steady_clock;

  void wait() {
    signals_.async_wait([this](boost::system::error_code cancelled, int which) {
      if (cancelled) return;
      if (which == SIGHUP && has_terminal() == had_terminal_)
        cluster_.pass_on(SIGHUP);
      else
        stop();
      wait();
    });
  }

  void stop() {
    // One Ctrl-C may come twice: from the terminal, and passed on by whatever started us.
    const auto now = clock::now();
    if (first_ && now - *first_ < std::chrono::milliseconds{500}) return;
    say(first_ ? "killing what is left" : "stopping; Ctrl-C again kills at once");
    if (!first_) first_ = now;
    cluster_.stop();
  }

  asio::signal_set signals_;
  supervisor& cluster_;
  const bool had_terminal_ = has_terminal();
  std::optional<clock::time_point> first_;
};

// Answers why the cluster did not start; empty: it ran and was stopped.
std::string run_cluster(const up_options& options) {
  auto stages = plan_cluster(options, fs::read_symlink("/proc/self/exe").string());
  asio::io_context io{1};
  supervisor cluster{io, {}, say};
  stop_signals signals{io, cluster};
  std::string failure;
  asio::co_spawn(io, cluster.run(std::move(stages), [&] { say(welcome(options)); }),
                 [&](std::exception_ptr broken, std::string why) {
                   if (broken) std::rethrow_exception(broken);
                   failure = std::move(why);
                   signals.cancel();
                 });
  io.run();
  return failure;
}

int run_up(up_options options, bool nodes_given) {
  signal(SIGPIPE, SIG_IGN); // whoever read what we say may go before the cluster does
  try {
    choose_store(options, nodes_given);
    // Before the ports: of two of us on one directory, the second is told of the first and not of its ports.
    const data_directory directory{options.data};
    options.data = directory.path();
    options.api = std::getenv("STARLING_API_KEY") != nullptr; // the nodes inherit it
    if (const auto trouble = port_trouble(who_listens(options)); !trouble.empty()) throw std::runtime_error(trouble);
    say("starting " + (options.memory ? std::string{} : std::to_string(options.shards) + " x redis-server, ") +
        "1 master, " + std::to_string(options.nodes) + (options.nodes == 1 ? " node" : " nodes") + "; data in " +
        options.data.string());
    if (const auto failure = run_cluster(options); !failure.empty())
      throw std::runtime_error(failure + "\n  logs: " + (options.data / "log").string());
    say("stopped");
    return 0;
  } catch (const std::exception& trouble) {
    std::cerr << "starling up: " << trouble.what() << std::endl;
    return 1;
  }
}

} // namespace

void add_up_command(CLI::App& app, std::function<int()>& chosen) {
  auto options = std::make_shared<up_options>();
  auto* up = app.add_subcommand("up", "Run a whole cluster on this machine: Redis, master and nodes");
  auto* nodes = up->add_option("--nodes", options->nodes, "How many nodes")->check(CLI::Range(1, 64));
  up->add_option("--shards", options->shards, "How many shards, each a redis-server")->check(CLI::Range(1, 64));
  up->add_option("--port", options->port, "Of the first node; the others take those after it")
      ->check(CLI::Range(1, 65535));
  up->add_option("--master-port", options->master_port, "Of the master")->check(CLI::Range(1, 65535));
  up->add_option("--api-port", options->api_port,
                 "Of the first node's server API, if $STARLING_API_KEY is set; the others take those after it")
      ->check(CLI::Range(1, 65535));
  up->add_option("--redis-port", options->redis_port, "Of the first redis-server; the others take those after it")
      ->check(CLI::Range(1, 65535));
  up->add_option("--data", options->data, "Directory for logs, data and the cluster's token");
  up->add_flag("--memory", options->memory, "No Redis: the shards live in the memory of one node");
  up->add_option("--set", options->overrides, "Override an option of every node's configuration; may be repeated")
      ->type_name("SECTION.OPTION=VALUE")
      ->allow_extra_args(false);
  up->get_formatter()->column_width(48);
  for (auto* option : up->get_options())
    if (option->get_expected_max() > 0) option->capture_default_str();
  up->callback([options, nodes, &chosen] {
    chosen = [options, given = nodes->count() > 0] { return run_up(*options, given); };
  });
}

} // namespace starling::cli
