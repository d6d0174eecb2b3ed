#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace starling {

/// A worker node, as the cluster knows it.
struct node_entry {
  std::string name;              // unique in the cluster
  std::uint64_t incarnation = 0; // new at every start; of one name, each is higher than those before
  std::string url;               // where clients connect
  std::string inspect = {};      // host:port of its inspector: where a console connects

  bool operator==(const node_entry&) const = default;
};

/// Of a name, this incarnation and all before it are dead.
struct dead_entry {
  std::string name;
  std::uint64_t incarnation = 0;

  bool operator==(const dead_entry&) const = default;
};

/// How the cluster sees one incarnation of a node.
enum class node_standing : std::uint8_t { alive, unknown, dead };

/// Which nodes there are, and which there will never be again. The time is passed in.
///
/// A node is dead after `dead_after` without a beat, and dead is final: it must come back with a new incarnation. So
/// nobody can act in the name of a node that the others have already buried.
///
/// But who hears nobody at all is cut off, or stood still: that says nothing of the nodes. Then nobody dies, and from
/// the first that is heard again, be it one that is not let in, all have `dead_after` twice, to come back and be heard.
/// But once: then they must be.
class node_registry {
public:
  using time_point = std::chrono::steady_clock::time_point;

  static constexpr std::size_t nodes_max = 1'000;
  static constexpr std::size_t dead_max = 10'000; // names; beyond: the one that died first is forgotten

  enum class join_outcome : std::uint8_t {
    joined,
    name_taken, // by another incarnation, which lives
    dead,       // this incarnation was declared dead, or is older than one that was
    full,
  };
  struct join_result {
    join_outcome outcome = join_outcome::joined;
    std::uint64_t newest_dead = 0; // if dead: come back with a higher incarnation than this
    std::optional<node_entry>
        existing; // joined: the incarnation that this one replaced; name_taken: the one that lives
  };

  /// Nodes are heard every `heartbeat`.
  node_registry(std::chrono::milliseconds dead_after, std::chrono::milliseconds heartbeat);

  /// Takes up what was known before this process started. The nodes have `dead_after` to come back.
  void restore(const std::vector<node_entry>& nodes, const std::vector<dead_entry>& dead, time_point now);

  /// The same incarnation may join again at any time.
  ///
  /// A newer one takes the place of one that lives only if it has the same URL: only one process can listen there, so
  /// the old one must be gone. And only if the old one joined at least `dead_after` ago (or has not come back since
  /// `restore`): two processes that both think they own the name then cannot evict each other without a pause.
  join_result join(const node_entry& node, time_point now);
  node_standing beat(const std::string& name, std::uint64_t incarnation, time_point now);
  /// Was this incarnation declared dead, as far as is remembered?
  bool is_dead(const std::string& name, std::uint64_t incarnation) const { return incarnation <= newest_dead(name); }
  /// As final as death. Returns false if it is not a node, or another incarnation of it.
  bool leave(const std::string& name, std::uint64_t incarnation);
  /// Declares dead who was silent for too long; returns them.
  std::vector<node_entry> expire(time_point now);
  /// Are there nodes, and none was heard for so long that it is no accident?
  bool hears_nobody(time_point now) const;

  /// In the order of their names.
  std::vector<node_entry> nodes() const;
  /// The one that died first comes first.
  std::vector<dead_entry> dead() const;
  std::size_t size() const { return nodes_.size(); }

private:
  struct living {
    node_entry entry;
    time_point joined;
    time_point heard;
    bool confirmed = true; // has joined since `restore`
    bool excused = false;  // was silent while nobody was heard, and has not been heard since
  };
  struct grave {
    std::uint64_t incarnation = 0;
    std::uint64_t order = 0;
  };

  bool silent(const living& node, time_point now) const { return now - node.heard >= dead_after_; }
  void hear_somebody(time_point now);
  bool may_replace(const living& old, const node_entry& newcomer, time_point now) const;
  std::uint64_t newest_dead(const std::string& name) const;
  void bury(const std::string& name, std::uint64_t incarnation);

  std::chrono::milliseconds dead_after_;
  std::chrono::milliseconds deaf_after_;
  time_point heard_{}; // anybody
  std::map<std::string, living> nodes_;
  std::map<std::string, grave> dead_;
  std::uint64_t deaths_ = 0;
};

} // namespace starling
