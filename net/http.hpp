#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace starling::net {

/// The pages whose content others know. Called from any thread; they must answer at once.
struct http_pages {
  std::function<std::pair<int, std::string>()> readyz; // status and JSON that says what is missing
  std::function<std::string()> nodes;                  // JSON: the nodes that a client may connect to
  std::function<std::string()> metrics;                // Prometheus text
};

struct http_answer {
  int status = 200;
  std::string_view content_type;
  std::string body;
  std::string etag;  // empty: the answer is not to be stored
  std::string extra; // "Name: value" of one more header; empty: none
};

/// Answers what is not an upgrade to WebSocket. `if_none_match` is that header's value.
http_answer answer_http(std::string_view method, std::string_view target, std::string_view if_none_match,
                        const http_pages& pages);

/// The path of a request's target, without the query.
std::string_view path_of(std::string_view target);

/// `%2F` becomes `/`; in a query, `+` becomes a space.
std::string percent_decoded(std::string_view text, bool in_query);

/// A member of a target's query, percent-decoded: of "/ws?token=a%2Eb", "token" is "a.b".
std::optional<std::string> query_member(std::string_view target, std::string_view name);

/// What every answer carries, so that a browser treats the page strictly. Connections to other nodes are allowed: the
/// page goes to one when its own leaves.
inline constexpr std::string_view content_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws: wss:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

} // namespace starling::net
