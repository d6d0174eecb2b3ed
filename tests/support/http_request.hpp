#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace starling::test {

/// What a server answered over HTTP; `status` 0: nothing that could be understood.
struct http_reply {
  int status = 0;
  std::map<std::string, std::string> headers; // names in lower case
  std::string body;
};

/// Sends `text` as it stands to 127.0.0.1 and reads until the server closes or 5 s have passed.
http_reply http_exchange(std::uint16_t port, const std::string& text);

http_reply http_get(std::uint16_t port, const std::string& target);

/// The value of a metric on a page of /metrics: of `starling_loop_lag_seconds`, or with labels as they stand there.
/// Throws std::runtime_error if the page has none.
double metric(const std::string& page, const std::string& name);

} // namespace starling::test
