#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace starling::cli {

/// What the clients do.
enum class scenario : std::uint8_t {
  fanout,  // rooms of many members, messages at a fixed rate
  pairs,   // dialogues of two users on different nodes, messages at a fixed rate
  idle,    // connected, in one room of their own, watching one user: nothing happens
  connect, // connect, open, join: as fast as it goes
};

struct bench_options {
  scenario what = scenario::fanout;
  std::vector<std::string> nodes{"ws://127.0.0.1:8080/ws"};
  std::size_t clients = 500;
  std::size_t rooms = 1;
  double rate = 60;                          // messages/s in all
  std::chrono::duration<double> seconds{10}; // measured, after the warm-up
  std::chrono::duration<double> warmup{2};
  std::chrono::duration<double> floor{5}; // measured against the floor (see bench_floor.hpp); 0: not at all
  bool floor_only = false;
  std::size_t text_bytes = 64; // of each message
  std::vector<pid_t> pids;     // server processes
  std::vector<pid_t> redis_pids;
  std::size_t concurrency = 64;              // clients that connect at the same time
  std::chrono::milliseconds timeout{10'000}; // for a client to be ready, and for what is under way at the end
  std::string run;                           // part of the users' and rooms' names, so that runs do not meet
  bool json = false;
};

/// The shortest text that has room for the send stamp.
inline constexpr std::size_t text_bytes_min = 32;

} // namespace starling::cli
