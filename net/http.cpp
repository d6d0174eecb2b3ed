#include "net/http.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>

#include "chat/embedded.hpp"

namespace starling::net {

namespace {

// FNV-1a: the files are ours and few, so a collision is no concern.
std::string etag_of(std::string_view bytes) {
  std::uint64_t hash = 14695981039346656037u;
  for (char byte : bytes)
    hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211u;
  char text[24];
  std::snprintf(text, sizeof text, "\"%016llx\"", static_cast<unsigned long long>(hash));
  return text;
}

std::string_view content_type_of(std::string_view name) {
  static constexpr std::pair<std::string_view, std::string_view> types[] = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".svg", "image/svg+xml"},
      {".ico", "image/x-icon"},
      {".png", "image/png"},
      {".webmanifest", "application/manifest+json"}};
  for (auto [ending, type] : types) {
    if (name.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

const embedded_file* find_file(std::string_view path) {
  if (!path.starts_with('/')) return nullptr; // `GET ?a`: Beast lets it through
  auto name = path == "/" ? std::string_view{"index.html"} : path == "/console" ? "console.html" : path.substr(1);
  for (const auto& file : embedded_web()) {
    if (file.name == name) return &file;
  }
  return nullptr;
}

http_answer file_answer(const embedded_file& file, std::string_view if_none_match) {
  http_answer result;
  result.content_type = content_type_of(file.name);
  result.etag = etag_of(file.bytes);
  if (if_none_match.find(result.etag) != std::string_view::npos) {
    result.status = 304;
  } else {
    result.body = file.bytes;
  }
  return result;
}

constexpr std::string_view json = "application/json";
constexpr std::string_view plain = "text/plain; charset=utf-8";

http_answer page(int status, std::string_view content_type, std::string body, std::string extra = {}) {
  return {status, content_type, std::move(body), {}, std::move(extra)};
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

} // namespace

std::string percent_decoded(std::string_view text, bool in_query) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    auto low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (text[i] == '%' && high >= 0 && low >= 0) {
      result += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      result += in_query && text[i] == '+' ? ' ' : text[i];
    }
  }
  return result;
}

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

std::optional<std::string> query_member(std::string_view target, std::string_view name) {
  auto start = target.find('?');
  if (start == std::string_view::npos) return std::nullopt;
  auto query = target.substr(start + 1);
  query = query.substr(0, query.find('#'));
  while (!query.empty()) {
    auto one = query.substr(0, query.find('&'));
    auto equals = one.find('=');
    if (equals != std::string_view::npos && one.substr(0, equals) == name)
      return percent_decoded(one.substr(equals + 1), true);
    query.remove_prefix(std::min(one.size() + 1, query.size()));
  }
  return std::nullopt;
}

http_answer answer_http(std::string_view method, std::string_view target, std::string_view if_none_match,
                        const http_pages& pages) {
  if (method != "GET") return page(405, plain, "only GET is answered here\n", "Allow: GET");
  auto path = path_of(target);
  if (path == "/ws") return page(426, plain, "connect to this path with a WebSocket\n", "Upgrade: websocket");
  if (path == "/healthz") return page(200, plain, "alive\n");
  if (path == "/readyz") {
    auto [status, body] = pages.readyz();
    return page(status, json, std::move(body));
  }
  if (path == "/nodes") return page(200, json, pages.nodes());
  if (path == "/metrics") return page(200, "text/plain; version=0.0.4; charset=utf-8", pages.metrics());
  if (const auto* file = find_file(path)) return file_answer(*file, if_none_match);
  return page(404, plain, "no such page\n");
}

} // namespace starling::net
