#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace starling::test {

/// A place in a room's log.
struct position {
  std::uint64_t epoch = 0;
  std::uint64_t seq = 0;
  friend auto operator<=>(const position&, const position&) = default;
};

/// One message that some client has asked to send.
struct sending {
  std::string room;
  std::string user;
  std::string key; // unique among those of its user
  std::string text;
  std::optional<position> at; // from the acknowledgement; nothing: it was never answered, and may be in the log or not
};

/// One message as it came to some client.
struct delivery {
  std::string room;
  position at;
  std::string from;
  std::string key;
  std::string text;
};

/// One client's or one connection's view of the rooms that it is in.
struct reader {
  std::string name;
  std::map<std::string, position> after; // per room: messages beyond this position belong to it
  std::vector<delivery> seen;            // in the order of their coming
  bool whole = true;                     // must hold everything; false for a connection that ended early
};

/// Holds what was sent against what came, and finds what the promise forbids: *what was acknowledged is seen by every
/// member, once, in the same order everywhere*.
class history_checker {
public:
  void add(sending s) { sent_.push_back(std::move(s)); }
  void add(reader r) { readers_.push_back(std::move(r)); }

  std::size_t acknowledged() const;
  /// One sentence per fault, at most `faults_max` of them; empty if all is well.
  std::vector<std::string> faults(std::size_t faults_max = 20) const;

private:
  std::vector<sending> sent_;
  std::vector<reader> readers_;
};

/// The faults as one text with the seed of the run, for a test's INFO.
std::string describe(const std::vector<std::string>& faults, std::uint64_t seed);

} // namespace starling::test
