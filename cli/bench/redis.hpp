#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/descriptor.hpp"

namespace starling::cli {

/// How often each command has run, by its name in lower case; `client|list` for what has a second word.
using command_calls = std::map<std::string, std::uint64_t>;

/// Adds what `INFO commandstats` says.
void add_command_calls(command_calls& sum, std::string_view info);

/// What Redis did between two looks.
struct redis_work {
  std::uint64_t asked = 0;        // commands as clients send them; the call of a script is one
  std::uint64_t all = 0;          // with those that scripts run
  std::uint64_t publications = 0; // by clients and by scripts
};

/// Redis counts a command that a script runs like one that a client sends. They are told apart by their kind: where
/// scripts ran at all, what they may run is taken to be theirs, and only what they may not, the calls of scripts
/// themselves and `ping` are clients' commands. That is exact for a server that leaves data to scripts, and for one
/// without scripts. The looks themselves do not count.
redis_work work_between(const command_calls& before, const command_calls& after);

/// Asks Redis instances what they have done, waiting for the answer: nothing that runs often.
class redis_probe {
public:
  /// Connects to each `host:port`. Returns what is wrong with one, or an empty string.
  std::string open(const std::vector<std::string>& instances);
  /// The sum over all; none if one does not answer.
  std::optional<command_calls> look();

private:
  std::vector<std::unique_ptr<descriptor>> sockets_;
};

} // namespace starling::cli
