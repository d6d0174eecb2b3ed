#include "cli/bench/command_line.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace starling::cli {

namespace {

constexpr std::size_t most = 1'000'000; // of anything that is counted

const char* const footer =
    "Scenarios:\n"
    "  fanout   rooms of many members, messages at a fixed rate\n"
    "  pairs    conversations of two users on different nodes\n"
    "  busy     --pairs beside one room of --clients, told apart; with --clients 0 the pairs are alone.\n"
    "           What is due for the pairs, and what comes for them, goes before the room's in the generator\n"
    "  stalled  fanout, while --stalled of the clients stop to read (and let their kernel keep only some KB):\n"
    "           nothing is expected of these, and the others are told apart\n"
    "  storm    --clients users drop within a second, half of them without a word, and each comes back a second "
    "later;\n"
    "           each is watched by --watchers of the --observers. For --within seconds after the last return it is "
    "seen\n"
    "           whether the last that each observer was told of each user is right: online, or nothing at all since\n"
    "           it was right before. CPU is counted from the first drop until all was right for good\n"
    "  idle     connected, each with a room of its own and a user whom it watches\n"
    "  connect  connect, open, join: as fast as it goes\n"
    "\n"
    "Exit code 1: an acknowledged message did not arrive at a member, or arrived twice, in any protocol; or out of\n"
    "order, where the server numbers messages (starling); or nobody could connect; or, in a storm, not all was right "
    "in\n"
    "the end. In the protocols json and socketio the generator numbers each room's messages; out of order against the\n"
    "order of sending is told, and no failure.\n"
    "\n"
    "Latency counts from when a message was due (open loop). CPU and memory are told for --pids.\n"
    "Redis counts what scripts run like what clients send. Where scripts run, commands that a script may run are "
    "taken\n"
    "to be theirs, and redis_commands_per_message has the rest: calls of scripts, subscriptions, pings.\n"
    "All but storm is repeated, shorter, against the floor, a server that does nothing but send(2); with "
    "--floor-only,\n"
    "that is the server under test. In JSON, \"target\" names the member with the figures of the server under test.\n"
    "Nodes must run with auth.mode = \"open\"; servers of other protocols take the user from the query, ?user=<id>.";

/// Adds options with what they have alike.
class describer {
public:
  describer(CLI::App& command, bench_options& options) : command_(command), options_(options) {}

  void what();
  void sizes();
  void times();
  void processes();

private:
  void number(const char* name, std::size_t& to, const char* help, std::size_t least = 1) {
    command_.add_option(name, to, help)->check(CLI::Range(least, most))->capture_default_str();
  }
  void rate(const char* name, double& to, const char* help) {
    command_.add_option(name, to, help)->check(CLI::Range(0.01, 1e6))->capture_default_str();
  }
  template <class duration>
  void seconds(const char* name, duration& to, const char* help, double least) {
    using exact = std::chrono::duration<double>;
    command_
        .add_option_function<double>(
            name, [&to](double s) { to = std::chrono::duration_cast<duration>(exact(s)); }, help)
        ->check(CLI::Range(least, 86'400.0))
        ->default_str(CLI::detail::to_string(exact(to).count()));
  }
  // An option whose value is one of `all` by name.
  template <class choice>
  void one_of(const char* name, choice& to, const std::vector<choice>& all, const std::string& help) {
    std::vector<std::string> names;
    for (auto each : all)
      names.push_back(name_of(each));
    auto choose = [&to, all](const std::string& chosen) {
      for (auto each : all)
        if (name_of(each) == chosen) to = each;
    };
    command_.add_option_function<std::string>(name, choose, help)
        ->check(CLI::IsMember(names))
        ->default_str(name_of(to));
  }

  CLI::App& command_;
  bench_options& options_;
};

void describer::what() {
  one_of("--scenario", options_.what,
         {scenario::fanout, scenario::pairs, scenario::busy, scenario::stalled, scenario::storm, scenario::idle,
          scenario::connect},
         "see below");
  one_of("--protocol", options_.speaks, {protocol::starling, protocol::json, protocol::socketio},
         "how the server under test speaks");
  command_.add_option("--nodes", options_.nodes, "URLs, by commas; clients are spread over them")
      ->delimiter(',')
      ->capture_default_str();
  command_.add_option("--run", options_.run, "part of the names of users and rooms; new by default");
  command_.add_flag("--json", options_.json, "one line of JSON instead of the table");
}

void describer::sizes() {
  number("--clients", options_.clients, "connections, each of its own user", 0);
  number("--rooms", options_.rooms, "fanout, stalled: rooms that the clients are divided among");
  rate("--rate", options_.rate, "messages/s in all");
  number("--pairs", options_.pairs, "busy: pairs of two more clients each", 0);
  rate("--pairs-rate", options_.pairs_rate, "busy: messages/s among all pairs");
  number("--stalled", options_.stalled, "stalled: how many of the clients");
  number("--observers", options_.observers, "storm: more clients, who stay and watch");
  number("--watchers", options_.watchers, "storm: observers of each user");
  command_.add_option("--size", options_.text_bytes, "bytes of text per message")
      ->check(CLI::Range(text_bytes_min, std::size_t{16 * 1024}))
      ->capture_default_str();
  command_.add_option("--concurrency", options_.concurrency, "clients that connect at the same time")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
}

void describer::times() {
  seconds("--seconds", options_.seconds, "measured, after the warm-up", 0.1);
  seconds("--warmup", options_.warmup, "seconds before", 0);
  seconds("--floor", options_.floor, "seconds to measure the floor; 0: not", 0);
  command_.add_flag("--floor-only", options_.floor_only, "measure nothing but the floor, for --seconds");
  seconds("--within", options_.within, "storm: seconds from the last return for all to be right", 0);
  seconds("--timeout", options_.timeout, "seconds for a client to be ready, and for what is under way at the end", 0.1);
}

void describer::processes() {
  command_.add_option("--pids", options_.pids, "server processes, by commas")->delimiter(',');
  command_.add_option("--redis-pids", options_.redis_pids, "Redis processes, by commas")->delimiter(',');
  command_.add_option("--redis", options_.redis, "host:port of instances whose commands are counted, by commas")
      ->delimiter(',');
  command_
      .add_option("--metrics", options_.metrics,
                  "host:port of Starling's nodes whose /metrics tell what publications they read, by commas")
      ->delimiter(',');
}

} // namespace

void add_bench_options(CLI::App& command, bench_options& options) {
  command.footer(footer);
  describer all(command, options);
  all.what();
  all.sizes();
  all.times();
  all.processes();
}

} // namespace starling::cli
