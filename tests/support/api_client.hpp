#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/cluster.hpp"
#include "tests/support/http_request.hpp"

namespace starling::test {

/// An application's own server, for tests: asks the server API of the nodes of a cluster.
class api_client {
public:
  /// Nodes with a server API, by name; each gets a port of its own.
  explicit api_client(const std::vector<std::string>& nodes);

  /// The options that a cluster's plan needs for it.
  std::map<std::string, std::vector<std::string>> options() const;
  /// The options, with others for all nodes.
  std::map<std::string, std::vector<std::string>> options(const std::vector<std::string>& more) const;

  http_reply call(const std::string& node, const std::string& verb, const std::string& path,
                  const json& body = {}) const;
  /// The body of what must succeed: throws std::runtime_error with the answer if it does not.
  json ask(const std::string& node, const std::string& verb, const std::string& path, const json& body = {}) const;
  /// `<status> <code>` of what must fail.
  std::string refusal(const std::string& node, const std::string& verb, const std::string& path,
                      const json& body = {}) const;

  std::uint16_t port(const std::string& node) const { return ports_.at(node); }
  std::string key_file() const { return directory_ / "api.key"; }

private:
  scratch_directory directory_;
  std::map<std::string, std::uint16_t> ports_;
};

} // namespace starling::test
