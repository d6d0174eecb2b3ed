#include "net/api_routes.hpp"

#include <algorithm>
#include <array>

#include "chat/embedded.hpp"
#include "chat/json_text.hpp"

namespace starling::net {
namespace {

constexpr std::string_view json = "application/json";

struct status_entry {
  int status;
  std::string_view word;
  bool retry; // may the same request succeed later?
};

const status_entry& entry_of(int status) {
  static constexpr std::array<status_entry, 13> entries{{{400, "bad_request", false},
                                                         {401, "unauthorized", false},
                                                         {403, "forbidden", false},
                                                         {404, "not_found", false},
                                                         {405, "method_not_allowed", false},
                                                         {409, "conflict", false},
                                                         {411, "length_required", false},
                                                         {413, "too_large", false},
                                                         {415, "unsupported_media_type", false},
                                                         {429, "too_fast", true},
                                                         {431, "header_too_large", false},
                                                         {503, "unavailable", true},
                                                         {500, "internal", true}}};
  auto found = std::find_if(entries.begin(), entries.end(), [&](auto& one) { return one.status == status; });
  return found == entries.end() ? entries.back() : *found;
}

int status_of(errc code) {
  switch (code) {
  case errc::not_json:
  case errc::not_a_request:
  case errc::bad_params:
    return 400;
  case errc::not_opened:
    return 401;
  case errc::forbidden:
    return 403;
  case errc::no_such_method:
  case errc::no_such_room:
    return 404;
  case errc::conflict:
    return 409;
  case errc::too_large:
    return 413;
  case errc::too_fast:
    return 429;
  case errc::unavailable:
    return 503;
  default:
    return 500;
  }
}

http_answer error_answer(int status, std::string_view message, std::string_view param, std::string header) {
  auto& entry = entry_of(status);
  json_object error;
  error.add("code", entry.word).add("message", message).add("retry", entry.retry);
  if (!param.empty()) error.add("param", param);
  return {status, json, json_object().add_json("error", error.text()).text(), {}, std::move(header)};
}

http_answer error_answer(const client_error& why) {
  auto status = status_of(why.code);
  return error_answer(status, why.text.empty() ? describe(why.code).text : std::string_view(why.text), why.param,
                      entry_of(status).retry ? "Retry-After: 1" : "");
}

/// Takes the next part of a path, without its slash; the path begins with one.
std::string_view next_part(std::string_view& path) {
  path.remove_prefix(1);
  auto part = path.substr(0, path.find('/'));
  path.remove_prefix(part.size());
  return part;
}

bool matches(std::string_view pattern, std::string_view path, api_match& into) {
  into.params.clear();
  while (pattern.starts_with('/') && path.starts_with('/')) {
    auto wanted = next_part(pattern);
    auto found = next_part(path);
    if (wanted.starts_with('{')) {
      if (found.empty()) return false;
      into.params.emplace_back(wanted.substr(1, wanted.size() - 2), percent_decoded(found, false));
    } else if (wanted != found) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

bool is_json_number(std::string_view text) {
  bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  return digits && text.size() < 20 && (text == "0" || text.front() != '0');
}

/// Puts an object's members in front of those that a JSON text has: so they win, since of two with one name the first
/// counts. What is no object, or no JSON, stays what it is.
std::string in_front(std::string object, std::string_view body) {
  constexpr std::string_view blanks = " \t\r\n";
  auto begin = body.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return object;
  if (body[begin] != '{' || object == "{}") return std::string(body);
  auto rest = body.substr(begin + 1);
  auto first = rest.find_first_not_of(blanks);
  object.back() = first != std::string_view::npos && rest[first] == '}' ? ' ' : ',';
  return object.append(rest);
}

} // namespace

std::span<const api_route> api_routes() {
  static const std::vector<api_route> routes{
      {"GET", "/api/openapi.json", ""},
      {"POST", "/api/messages", "message.send", api_body::required},
      {"POST", "/api/rooms", "room.create", api_body::required, 201},
      {"GET", "/api/rooms/{room}", "room.info"},
      {"GET", "/api/rooms/{room}/members", "room.members", api_body::none, 200, {{"after"}, {"limit", true}}},
      {"PUT", "/api/rooms/{room}/members/{user}", "room.add", api_body::optional},
      {"DELETE", "/api/rooms/{room}/members/{user}", "room.remove"},
      {"GET",
       "/api/rooms/{room}/messages",
       "room.history",
       api_body::none,
       200,
       {{"before", true}, {"after", true}, {"limit", true}}},
      {"POST", "/api/presence", "presence.get", api_body::required},
      {"GET", "/api/users/{user}/presence", "user.presence"},
      {"GET", "/api/users/{user}/sessions", "user.sessions"},
      {"POST", "/api/sessions/kick", "sessions.kick", api_body::required},
      {"POST", "/api/sessions/revoke", "sessions.revoke", api_body::required},
  };
  return routes;
}

std::variant<api_match, http_answer> find_api_route(std::string_view verb, std::string_view target) {
  api_match match;
  std::string allowed;
  for (auto& route : api_routes()) {
    if (!matches(route.path, path_of(target), match)) continue;
    match.route = &route;
    if (route.verb == verb) return match;
    allowed.append(allowed.empty() ? "Allow: " : ", ").append(route.verb);
  }
  if (allowed.empty()) return api_error(404, "no such call: see /api/openapi.json");
  return api_error(405, "this path has other methods", allowed);
}

std::variant<api_call, http_answer> read_api_call(const api_match& match, std::string_view target,
                                                  std::string_view body, const limits& bounds) {
  json_object given;
  for (auto& [name, value] : match.params)
    given.add(name, value);
  for (auto& [name, is_number] : match.route->query)
    if (auto value = query_member(target, name)) {
      if (is_number && is_json_number(*value))
        given.add_json(name, *value);
      else
        given.add(name, *value);
    }
  auto call = decode_api_call(match.route->call, in_front(given.text(), body), bounds);
  if (auto* why = std::get_if<client_error>(&call)) return error_answer(*why);
  return std::get<api_call>(std::move(call));
}

http_answer api_answer(const api_route& route, api_outcome what) {
  if (auto* why = std::get_if<client_error>(&what)) return error_answer(*why);
  return {route.success, json, std::get<std::string>(std::move(what)), {}, {}};
}

http_answer api_error(int status, std::string_view message, std::string header) {
  return error_answer(status, message, {}, std::move(header));
}

http_answer api_document() { return {200, json, std::string(embedded_api().front().bytes), {}, {}}; }

} // namespace starling::net
