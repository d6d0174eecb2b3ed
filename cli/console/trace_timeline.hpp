#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace starling::cli {

/// Puts together what nodes have noted of traced messages (`trace_read`): each message's way across nodes, on the clock
/// of the sender's node.
///
/// How far a node's clock is off shows in its answers: each was given between the asking and the answer's coming. A
/// node's times are corrected only if it is off by more than that leaves open, or if it would have heard of a message
/// before that was sent.
class trace_timeline {
public:
  using nanoseconds = std::chrono::nanoseconds;

  /// What `node` has answered when it was asked between these times of the console's clock, since 1970.
  void add(const std::string& node, const nlohmann::json& result, nanoseconds asked, nanoseconds answered);

  /// Messages whose whole way has been seen, as far as one can know: answered, and written to all for whom it is.
  std::size_t complete() const;
  /// Messages whose sender's node is among those that answered.
  std::size_t begun() const;

  /// The first `count` of these, the complete ones before the others:
  ///
  ///     {"room", "epoch", "seq", "from", "total_us", "complete",
  ///      "hops": [{"hop", "node", "at_us", "step_us", "detail"}], "clocks": [{"node", "ahead_us", "exact_to_us"}]}
  ///
  /// Times begin where the frame came in and rise; "step_us" is since the hop that caused this one. "total_us" is until
  /// the last write to a member, or the last hop if there was none. The hop "written" has "connections" and "last_us",
  /// "encoded" has "connections". "clocks" are those that were corrected.
  nlohmann::json messages(std::size_t count) const;

private:
  struct clock {
    std::int64_t ahead = 0;    // of the console's, in ns
    std::int64_t exact_to = 0; // more or less
  };
  struct way {
    nlohmann::json by_node; // name: what it has noted
    std::string sender;     // node
    std::int64_t began = 0; // on the sender's clock
    bool is_complete() const;
  };

  std::int64_t correction(const way& what, const std::string& node) const;
  nlohmann::json told(const way& what) const;

  std::map<std::string, clock> clocks_;
  std::map<std::uint64_t, way> ways_;
};

} // namespace starling::cli
