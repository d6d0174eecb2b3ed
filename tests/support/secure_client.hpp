#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "tests/support/http_request.hpp"

namespace starling::test {

/// A client that connects by TLS, as Beast does it, and believes what `ca` (a file in PEM) has signed. Each call waits
/// for its end; what takes longer than `patience`, or fails, throws std::runtime_error.
class secure_client {
public:
  secure_client(std::uint16_t port, const std::string& ca);
  ~secure_client();
  secure_client(const secure_client&) = delete;
  secure_client& operator=(const secure_client&) = delete;

  /// CN of the server's certificate.
  std::string shown() const;
  /// Asks for a page, and ends the connection.
  http_reply get(const std::string& target);
  /// Makes it a WebSocket, once.
  void upgrade(const std::string& target);
  /// Sends a request and returns its result; notifications are skipped.
  nlohmann::json ask(const std::string& method, const nlohmann::json& params);
  /// Waits for a notification of `method` and returns its params.
  nlohmann::json expect(const std::string& method);

private:
  struct impl;
  nlohmann::json read();
  std::unique_ptr<impl> impl_;
};

} // namespace starling::test
