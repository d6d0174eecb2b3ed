#include "cli/field_reader.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "chat/address.hpp"
#include "chat/units.hpp"

namespace starling::cli {

namespace {

constexpr std::size_t shown_bytes_max = 80;
constexpr std::size_t file_name_bytes_max = 4096;
constexpr std::size_t url_bytes_max = 2048;

std::string show_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, shown_bytes_max))
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  return out + (text.size() > shown_bytes_max ? "\"..." : "\"");
}

bool is_word(std::string_view text, const word_rule& rule) {
  return !text.empty() && std::find(rule.words.begin(), rule.words.end(), text) != rule.words.end();
}

/// `"a", "b" or "c"`
std::string list_words(const word_rule& rule) {
  const auto end = std::find(rule.words.begin(), rule.words.end(), std::string_view());
  const auto count = end - rule.words.begin();
  std::string out;
  for (auto i = rule.words.begin(); i != end; ++i) {
    const auto index = i - rule.words.begin();
    if (index > 0) out += index + 1 == count ? " or " : ", ";
    out += fmt::format("\"{}\"", *i);
  }
  return out;
}

/// Returns the integer in `written` if it is one from `min` to `max`.
std::optional<std::size_t> whole_number(const written_value& written, std::size_t min, std::size_t max) {
  const auto* number = std::get_if<std::int64_t>(&written.value);
  if (!number || *number < 0) return std::nullopt;
  const auto value = static_cast<std::size_t>(*number);
  if (value < min || value > max) return std::nullopt;
  return value;
}

} // namespace

std::string show(const plain_value& value) {
  struct shower {
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
    std::string operator()(std::int64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const { return fmt::format("{}", number); }
    std::string operator()(const std::string& text) const { return show_text(text); }
    std::string operator()(const std::vector<std::string>& texts) const {
      return texts.size() == 1 ? "a list of 1 text" : fmt::format("a list of {} texts", texts.size());
    }
    std::string operator()(const other_value& other) const { return other.what; }
  };
  return std::visit(shower{}, value);
}

const written_value* field_reader::find(std::string_view key) {
  const std::string full = prefix_ + std::string(key);
  keys.insert(full);
  const auto found = source_.values.find(full);
  return found == source_.values.end() ? nullptr : &found->second;
}

void field_reader::refuse(std::string_view key, const written_value& written, const std::string& expected) {
  const std::string full = prefix_ + std::string(key);
  refused.insert(full);
  problems.push_back({written.line, complaint(written.where, full,
                                              fmt::format("expected {}, found {}", expected, show(written.value)))});
}

const std::string* field_reader::text(std::string_view key, const written_value* written, const std::string& expected) {
  if (!written) return nullptr;
  if (const auto* value = std::get_if<std::string>(&written->value)) return value;
  // `--set node.name=7` can only mean the text "7".
  if (written->line == 0 && !written->raw.empty()) return &written->raw;
  refuse(key, *written, expected);
  return nullptr;
}

void field_reader::operator()(std::string_view key, std::size_t& field, const count_rule& rule) {
  const written_value* written = find(key);
  if (!written) return;
  if (const auto value = whole_number(*written, rule.min, rule.max)) {
    field = *value;
  } else {
    refuse(key, *written, fmt::format("a whole number from {} to {}", rule.min, rule.max));
  }
}

void field_reader::operator()(std::string_view key, std::uint32_t& field, const count_rule& rule) {
  std::size_t wide = field;
  (*this)(key, wide, rule);
  field = static_cast<std::uint32_t>(wide); // the rules of these fields are far below 2^32
}

void field_reader::operator()(std::string_view key, std::size_t& field, const size_rule& rule) {
  const written_value* written = find(key);
  if (!written) return;
  auto value = whole_number(*written, rule.min, rule.max);
  if (const auto* text = std::get_if<std::string>(&written->value)) {
    value = parse_size(*text);
    if (value && (*value < rule.min || *value > rule.max)) value.reset();
  }
  if (value) {
    field = *value;
  } else {
    refuse(
        key, *written,
        fmt::format("bytes, such as 65536 or \"64KiB\", from {} to {}", format_size(rule.min), format_size(rule.max)));
  }
}

void field_reader::operator()(std::string_view key, milliseconds& field, const duration_rule& rule) {
  const written_value* written = find(key);
  if (!written) return;
  const auto* text = std::get_if<std::string>(&written->value);
  const auto value = text ? parse_duration(*text) : std::nullopt;
  if (value && *value >= rule.min && *value <= rule.max) {
    field = *value;
  } else {
    refuse(key, *written,
           fmt::format("a duration with its unit, such as \"500ms\", \"10s\", \"2m\" or \"1h\", from {} to {}",
                       format_duration(rule.min), format_duration(rule.max)));
  }
}

void field_reader::operator()(std::string_view key, double& field, const number_rule& rule) {
  const written_value* written = find(key);
  if (!written) return;
  double value = std::nan("");
  if (const auto* real = std::get_if<double>(&written->value)) value = *real;
  if (const auto* whole = std::get_if<std::int64_t>(&written->value)) value = static_cast<double>(*whole);
  if (value >= rule.min && value <= rule.max) { // false for NaN
    field = value;
  } else {
    refuse(key, *written, fmt::format("a number from {} to {}", rule.min, rule.max));
  }
}

void field_reader::operator()(std::string_view key, bool& field, const switch_rule&) {
  const written_value* written = find(key);
  if (!written) return;
  if (const auto* value = std::get_if<bool>(&written->value)) {
    field = *value;
  } else {
    refuse(key, *written, "true or false");
  }
}

void field_reader::operator()(std::string_view key, std::string& field, const word_rule& rule) {
  const written_value* written = find(key);
  const std::string expected = list_words(rule);
  const std::string* value = text(key, written, expected);
  if (!value) return;
  if (!is_word(*value, rule)) return refuse(key, *written, expected);
  field = *value;
}

void field_reader::operator()(std::string_view key, std::string& field, const name_rule& rule) {
  const written_value* written = find(key);
  const std::string expected = "a name of 1 to 64 letters, digits, '.', '_' and '-'";
  const std::string* value = text(key, written, expected);
  if (!value) return;
  if (!is_name(*value) && !(rule.may_be_empty && value->empty())) return refuse(key, *written, expected);
  field = *value;
}

void field_reader::operator()(std::string_view key, std::string& field, const listen_rule& rule) {
  const written_value* written = find(key);
  const std::string expected = "host:port, such as \"127.0.0.1:8080\" or \"[::1]:8080\"";
  const std::string* value = text(key, written, expected);
  if (!value) return;
  const auto address = parse_host_port(*value);
  if (!address || (address->port == 0 && !rule.any_port)) return refuse(key, *written, expected);
  field = *value;
}

void field_reader::operator()(std::string_view key, std::string& field, const shard_address_rule&) {
  const written_value* written = find(key);
  const std::string* value = text(key, written, "redis://host:port, unix:///path or memory:");
  if (!value) return;
  const std::string why = why_bad_shard_address(*value);
  if (why.empty()) {
    field = *value;
    return;
  }
  // What is refused may hold a password: say what is wrong, but do not show it.
  refused.insert(prefix_ + std::string(key));
  problems.push_back({written->line, complaint(written->where, prefix_ + std::string(key), why)});
}

void field_reader::operator()(std::string_view key, std::string& field, const url_rule&) {
  const written_value* written = find(key);
  const std::string expected = "a URL that begins with ws:// or wss://";
  const std::string* value = text(key, written, expected);
  if (!value) return;
  const bool plain = std::all_of(value->begin(), value->end(), [](char c) { return c > ' ' && c < 0x7f; });
  const bool good =
      value->size() <= url_bytes_max && plain &&
      ((value->starts_with("ws://") && value->size() > 5) || (value->starts_with("wss://") && value->size() > 6));
  if (!good && !value->empty()) return refuse(key, *written, expected);
  field = *value;
}

void field_reader::operator()(std::string_view key, std::string& field, const file_rule& rule) {
  const written_value* written = find(key);
  const std::string expected = "the name of a file";
  const std::string* value = text(key, written, expected);
  if (value) {
    if ((value->empty() && !rule.may_be_empty) || value->size() > file_name_bytes_max ||
        value->find('\0') != std::string::npos) {
      return refuse(key, *written, expected);
    }
    field = *value;
  }
  // Defaults count as written in the file: to uncomment one there must change nothing.
  const bool from_command_line = written && written->line == 0;
  if (!field.empty() && !from_command_line) {
    field = (std::filesystem::path(source_.file).parent_path() / field).string();
  }
}

void field_reader::list(std::string_view key, std::vector<std::string>& field, const std::string& item,
                        bool (*good)(std::string_view)) {
  const written_value* written = find(key);
  if (!written) return;
  const auto* whole = std::get_if<std::vector<std::string>>(&written->value);
  std::vector<std::string> items = whole ? *whole : std::vector<std::string>();
  // `--set log.levels=redis=debug` is short for a list of one.
  const auto* bare = std::get_if<std::string>(&written->value);
  if (bare && written->line == 0) items = {*bare};
  if ((!whole && items.empty()) || items.size() > list_items_max || !std::all_of(items.begin(), items.end(), good))
    return refuse(key, *written, fmt::format("a list of at most {} texts such as {}", list_items_max, item));
  field = std::move(items);
}

void field_reader::operator()(std::string_view key, std::vector<std::string>& field, const levels_rule&) {
  list(key, field, "\"redis=debug\", the level being " + list_words(level_words), [](std::string_view text) {
    const std::size_t equals = text.find('=');
    return equals != std::string_view::npos && is_name(text.substr(0, equals)) &&
           is_word(text.substr(equals + 1), level_words);
  });
}

void field_reader::operator()(std::string_view key, std::vector<std::string>& field, const origins_rule&) {
  list(key, field, "\"https://chat.example.org\"", is_origin);
}

void field_reader::operator()(std::string_view key, std::vector<std::string>& field, const addresses_rule&) {
  list(key, field, "\"10.0.0.1\" or \"::1\"", is_ip_address);
}

} // namespace starling::cli
