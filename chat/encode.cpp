#include <array>

#include "chat/codec.hpp"
#include "chat/json_text.hpp"
#include "chat/utf8.hpp"

namespace starling {
namespace {

constexpr std::array<bool, 256> plain_bytes = [] {
  std::array<bool, 256> plain{};
  for (unsigned c = 0x20; c < 0x80; ++c)
    plain[c] = c != '"' && c != '\\';
  return plain;
}();

bool is_plain(char c) { return plain_bytes[static_cast<unsigned char>(c)]; }

void append_escaped(std::string& out, char c) {
  static constexpr char digits[] = "0123456789abcdef";
  switch (c) {
  case '"':
    out += "\\\"";
    break;
  case '\\':
    out += "\\\\";
    break;
  case '\n':
    out += "\\n";
    break;
  case '\r':
    out += "\\r";
    break;
  case '\t':
    out += "\\t";
    break;
  default:
    out += "\\u00";
    out += digits[(c >> 4) & 0xf];
    out += digits[c & 0xf];
  }
}

} // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain < text.size() && is_plain(text[plain]))
      ++plain;
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    if (static_cast<unsigned char>(text[0]) < 0x80) {
      append_escaped(out, text[0]);
      text.remove_prefix(1);
    } else if (auto size = utf8_sequence(text)) {
      out += text.substr(0, size);
      text.remove_prefix(size);
    } else {
      out += "\xef\xbf\xbd"; // U+FFFD
      text.remove_prefix(1);
    }
  }
  out += '"';
}

std::string replies::add(std::string answer) {
  if (!answer.empty()) {
    if (batch_) gathered_ += gathered_.empty() ? '[' : ',';
    gathered_ += answer;
  }
  if (--expected_ > 0 || gathered_.empty()) return {};
  if (batch_) gathered_ += ']';
  return std::move(gathered_);
}

std::string encode_result(std::string_view id, std::string_view result) {
  if (id.empty()) return {};
  return json_object().add("jsonrpc", "2.0").add_json("id", id).add_json("result", result).text();
}

std::string error_text(const client_error& why) {
  auto& entry = describe(why.code);
  json_object data;
  data.add("retry", entry.retry);
  if (!why.param.empty()) data.add("param", why.param);
  if (why.retry_after_ms > 0) data.add("retry_after_ms", static_cast<std::uint64_t>(why.retry_after_ms));
  return json_object()
      .add_json("code", std::to_string(entry.code))
      .add("message", why.text.empty() ? entry.text : std::string_view(why.text))
      .add_json("data", data.text())
      .text();
}

std::string encode_error(std::string_view id, const client_error& why) {
  if (id.empty()) return {};
  return json_object().add("jsonrpc", "2.0").add_json("id", id).add_json("error", error_text(why)).text();
}

std::string encode_notification(std::string_view method, std::string_view params) {
  return json_object().add("jsonrpc", "2.0").add("method", method).add_json("params", params).text();
}

} // namespace starling
