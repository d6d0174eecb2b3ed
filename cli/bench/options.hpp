#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/bench/dialect.hpp"

namespace starling::cli {

/// What the clients do.
enum class scenario : std::uint8_t {
  fanout,  // rooms of many members, messages at a fixed rate
  pairs,   // dialogues of two users on different nodes, messages at a fixed rate
  busy,    // pairs beside one large room: does the one slow down the other?
  stalled, // fanout, while some of the members stop to read
  storm,   // many users drop at once and come back, watched by others
  idle,    // connected, in one room of their own, watching one user: nothing happens
  connect, // connect, open, join: as fast as it goes
};

struct bench_options {
  scenario what = scenario::fanout;
  protocol speaks = protocol::starling;
  std::vector<std::string> nodes{"ws://127.0.0.1:8080/ws"};
  std::size_t clients = 500;
  std::size_t rooms = 1;
  double rate = 60;                          // messages/s in all
  std::size_t pairs = 200;                   // busy: beside the room
  double pairs_rate = 200;                   // busy: messages/s among all pairs
  std::size_t stalled = 50;                  // stalled: of the clients
  std::size_t observers = 100;               // storm: who stay and watch
  std::size_t watchers = 10;                 // storm: observers of each user
  std::chrono::duration<double> within{5};   // storm: from the last return, for all to be told right
  std::chrono::duration<double> seconds{10}; // measured, after the warm-up
  std::chrono::duration<double> warmup{2};
  std::chrono::duration<double> floor{5}; // measured against the floor (see floor.hpp); 0: not at all
  bool floor_only = false;
  std::size_t text_bytes = 64; // of each message
  std::vector<pid_t> pids;     // server processes
  std::vector<pid_t> redis_pids;
  std::vector<std::string> redis;            // host:port of the instances whose commands are counted
  std::vector<std::string> metrics;          // host:port of nodes whose /metrics are read
  std::size_t concurrency = 64;              // clients that connect at the same time
  std::chrono::milliseconds timeout{10'000}; // for a client to be ready, and for what is under way at the end
  std::string run;                           // part of the users' and rooms' names, so that runs do not meet
  bool json = false;
};

/// The shortest text that has room for the stamp.
inline constexpr std::size_t text_bytes_min = 40;

/// How many users Starling lets one session watch.
inline constexpr std::size_t watches_max = 1000;

std::string name_of(scenario what);
/// Returns what is wrong with the options, or an empty string; lets this process have as many open files as they need.
std::string check(const bench_options& options);
/// Does the floor know this scenario? It has no presence.
inline bool has_floor(scenario what) { return what != scenario::storm; }

} // namespace starling::cli
