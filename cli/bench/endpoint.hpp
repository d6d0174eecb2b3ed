#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace starling::cli {

/// Where a node listens.
struct endpoint {
  sockaddr_storage address{};
  socklen_t address_size = 0;
  std::string host; // and port, for the Host header
  std::string path; // empty if the URL has none
};

/// Looks up `host[:port]`. Returns an empty string, or what is wrong.
std::string look_up(const std::string& where, const std::string& default_port, endpoint& out);

/// Reads `ws://host[:port][/path]` and looks the host up. Returns an empty string, or what is wrong.
std::string resolve(const std::string& url, endpoint& out);

/// A connecting, non-blocking socket to `to`, or -1 with errno. Addresses 127.* are called from 127.0.0.1 up, the
/// `source`th of them, since one address has only some 28,000 ports to call from. `receive_bytes` bounds what the
/// kernel takes in for a client that does not read; 0: as the system has it.
int start_connect(const endpoint& to, std::uint32_t source, int receive_bytes = 0);

/// A connected, blocking socket to `host[:port]` on which nothing takes longer than 2 s. Returns an empty string, or
/// what is wrong.
std::string dial(const std::string& where, const std::string& default_port, int& socket);

/// Lets this process have `files` open files if the system permits. Returns how many it may have.
std::uint64_t raise_open_files(std::uint64_t files);

} // namespace starling::cli
