#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cli/console/cluster.hpp"

namespace CLI {
class App;
}

namespace starling::cli {

/// Names that live in the cluster: asked for when they are needed, and kept for some seconds.
class cluster_names {
public:
  explicit cluster_names(console_cluster& cluster) : cluster_(cluster) {}
  std::vector<std::string> processes();
  /// Of the actors of that kind, no more than some hundreds.
  std::vector<std::string> actors(const std::string& kind);

private:
  struct kept {
    std::chrono::steady_clock::time_point when;
    std::vector<std::string> names;
  };
  const std::vector<std::string>& keep(const std::string& key, const std::function<std::vector<std::string>()>& ask);

  console_cluster& cluster_;
  std::map<std::string, kept> kept_;
};

/// What the word may become that is being typed behind `before` (the words of the line ahead of it): those of all that
/// are possible there which begin with `text`.
std::vector<std::string> complete(const CLI::App& commands, cluster_names& names,
                                  const std::vector<std::string>& before, const std::string& text);

} // namespace starling::cli
