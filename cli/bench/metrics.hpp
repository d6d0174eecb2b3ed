#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace starling::cli {

/// Publications of Redis that came to Starling's nodes.
struct publication_counts {
  std::uint64_t read = 0;
  std::uint64_t in_vain = 0; // of them, of channels that nobody on the node reads
};

/// Adds what a node's page of metrics says. False if it does not say it.
bool add_publications(publication_counts& sum, std::string_view page);

/// Asks nodes for their pages of metrics, waiting for the answer: nothing that runs often.
class metrics_probe {
public:
  /// Asks each `host:port` once. Returns what is wrong with one, or an empty string.
  std::string open(std::vector<std::string> nodes);
  /// The sum over all; none if there are none, or one does not answer.
  std::optional<publication_counts> look() const;

private:
  std::vector<std::string> nodes_;
};

} // namespace starling::cli
