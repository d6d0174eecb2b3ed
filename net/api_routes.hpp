#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "chat/api_calls.hpp"
#include "net/http.hpp"

/// The server API as HTTP: which method and path is which call, and which status an outcome is. Docs: docs/API.md,
/// docs/openapi.json.
namespace starling::net {

/// A member of the query: a call's param, as text or as a number.
struct api_query {
  std::string_view name;
  bool is_number = false;
};

enum class api_body : std::uint8_t { none, optional, required };

struct api_route {
  std::string_view verb; // "PUT"
  std::string_view path; // "/api/rooms/{room}/members/{user}": what stands in braces is a param
  std::string_view call; // see `decode_api_call`; empty: the description of all this, for whoever asks
  api_body body = api_body::none;
  int success = 200;
  std::vector<api_query> query = {};
};

std::span<const api_route> api_routes();

/// A route, and what stands in the place of its braces.
struct api_match {
  const api_route* route = nullptr;
  std::vector<std::pair<std::string, std::string>> params;
};

/// Finds the route of a request; or answers 404 or 405.
std::variant<api_match, http_answer> find_api_route(std::string_view verb, std::string_view target);

/// Reads what is asked: params of path, query and body, in this order; or answers 400, 413.
std::variant<api_call, http_answer> read_api_call(const api_match& match, std::string_view target,
                                                  std::string_view body, const limits& bounds);

http_answer api_answer(const api_route& route, api_outcome what);
/// `{"error": {"code", "message", "retry"}}`
http_answer api_error(int status, std::string_view message, std::string header = {});
http_answer api_document();

} // namespace starling::net
