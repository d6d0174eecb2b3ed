#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "chat/redis_value.hpp"
#include "net/memory_database.hpp"
#include "net/memory_lua.hpp"

namespace starling::net {

/// A Redis in this process, for trying out and for tests: the same scripts run on it, and answer the same, as on a real
/// one (a test compares the two). It has the commands that scripts use, and no threads, no sockets and no clock.
class memory_redis {
public:
  using clock_function = std::function<std::int64_t()>; // milliseconds since 1970
  using publish_function = memory_database::publish_function;

  /// `publish` is called by PUBLISH, in the middle of a script, and returns the number of receivers.
  explicit memory_redis(clock_function clock, publish_function publish = {});

  /// Carries out one command, its name the first word. EVAL, EVALSHA and SCRIPT are not among them.
  redis_value command(const std::vector<std::string>& words);
  /// SCRIPT LOAD: the script's SHA1, or an error.
  redis_value load(const std::string& text);
  /// EVALSHA: NOSCRIPT if it has not been loaded.
  redis_value evalsha(const std::string& sha1, const std::vector<std::string>& keys,
                      const std::vector<std::string>& args);
  /// EVAL.
  redis_value eval(const std::string& text, const std::vector<std::string>& keys, const std::vector<std::string>& args);
  /// SCRIPT FLUSH.
  void forget_scripts();
  /// FLUSHALL: as a Redis that has come back without its file.
  void clear();

private:
  memory_reply run(memory_words words, bool from_script);

  clock_function clock_;
  memory_database database_;
  memory_lua lua_;
  std::set<std::string, std::less<>> loaded_;
};

} // namespace starling::net
