#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include "chat/redis_value.hpp"
#include "chat/settings.hpp"

namespace starling::test {

/// How a redis-server is started.
struct redis_options {
  bool append_only = false;          // each write is in the file before it is answered, so that `kill9` loses nothing
  std::string user;                  // empty: "default"
  std::string password;              // empty: none is asked for
  std::string rules = "~* &* +@all"; // what `user` may, as in ACL SETUSER
  std::string also_bind = {};        // one more address, beside 127.0.0.1
};

/// A real redis-server on a port of its own, in a directory of its own; gone with this object, and with the process.
class redis_process {
public:
  /// Returns when the server answers. Throws if it does not within ten seconds.
  explicit redis_process(redis_options options = {});
  ~redis_process();
  redis_process(const redis_process&) = delete;
  redis_process& operator=(const redis_process&) = delete;

  std::uint16_t port() const { return port_; }
  pid_t pid() const { return pid_; }
  std::string address() const {
    return "redis://" + (options_.also_bind.empty() ? "127.0.0.1" : options_.also_bind) + ":" + std::to_string(port_);
  }
  std::string unix_address() const { return "unix://" + socket_path(); }
  shard_settings shard(std::string name = "s1") const { return {std::move(name), address(), 1}; }

  void kill9();
  /// Starts it again, on the same port and directory.
  void restart();
  /// While it is dead: removes the files that it keeps its data in; or cuts so many bytes from the end of the last of
  /// them.
  void forget();
  void forget_last(std::uintmax_t bytes);
  /// Stops it where it stands; the kernel goes on to accept connections and bytes.
  void pause();
  void resume();

  /// Carries out a command over a connection of its own, and waits for the answer (five seconds at most). May all that
  /// there is, whatever `options.rules` say.
  redis_value command(const std::vector<std::string>& words) const;

private:
  std::string socket_path() const { return directory_ + "/redis.sock"; }
  void write_config() const;
  bool spawn();
  bool wait_until_it_answers() const;

  redis_options options_;
  std::string directory_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};

} // namespace starling::test
