#include "cli/config_source.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "cli/toml.hpp"

namespace starling::cli {

namespace {

constexpr std::uintmax_t file_bytes_max = 1024 * 1024; // nobody writes that by hand
// A key of many parts ("a.a.a...") makes tables within tables, and what walks through them, the library's own code too,
// goes as deep as they are. A key does not go on in the next line.
constexpr std::size_t line_bytes_max = 8 * 1024;

/// Turns a node that is no table into a plain value; lists may hold text only.
plain_value plain(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* flag = node.as_boolean()) return flag->get();
  if (const auto* list = node.as_array()) {
    std::vector<std::string> texts;
    for (const toml::node& element : *list) {
      const auto* text = element.as_string();
      if (!text) return other_value{"a list of something else"};
      texts.push_back(text->get());
    }
    return texts;
  }
  if (node.is_table()) return other_value{"a table"};
  return other_value{"a date or time"};
}

/// Spreads tables, and lists of tables, over `out`. An empty one stands for itself.
template <class Add>
void flatten(const toml::node& node, const std::string& key, const Add& add) {
  if (const auto* table = node.as_table(); table && (!table->empty() || key.empty())) {
    for (const auto& [name, child] : *table) {
      flatten(child, key.empty() ? std::string(name.str()) : key + '.' + std::string(name.str()), add);
    }
    return;
  }
  if (const auto* list = node.as_array(); list && !list->empty() && list->is_homogeneous(toml::node_type::table)) {
    std::size_t i = 0;
    for (const toml::node& element : *list)
      flatten(element, key + '[' + std::to_string(i++) + ']', add);
    return;
  }
  add(key, plain(node), node.source().begin.line);
}

/// The number of the first line that is too long; 0 if none is.
std::size_t long_line(std::string_view text) {
  std::size_t number = 1;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (end > line_bytes_max) return number;
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
  }
  return 0;
}

/// Keys, and the parser's messages, may hold line breaks, and what a terminal obeys.
std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text;
}

} // namespace

std::string complaint(const std::string& where, std::string_view key, std::string_view what) {
  std::string line = where;
  line += where == "--set" ? " " : ": ";
  line += key;
  line += ": ";
  line += what;
  return one_line(std::move(line));
}

void config_source::read_file(const std::filesystem::path& path) {
  file = path.string();
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error); // fails for folders, devices and pipes too
  std::ifstream in(path, std::ios::binary);
  if (error || !in) {
    problems.push_back(file + ": cannot be read: " + (error ? error.message() : "permission denied"));
    return;
  }
  if (size > file_bytes_max) {
    problems.push_back(file + ": expected a configuration of at most 1MiB");
    return;
  }
  std::ostringstream text;
  text << in.rdbuf();
  if (const auto number = long_line(text.str()); number != 0) {
    problems.push_back(file + ':' + std::to_string(number) + ": expected lines of at most 8KiB");
    return;
  }
  try {
    const toml::table table = toml::parse(text.str(), file);
    flatten(table, {}, [&](const std::string& key, plain_value value, std::size_t line) {
      values[key] = {std::move(value), file + ':' + std::to_string(line), line, path.parent_path(), {}};
    });
  } catch (const toml::parse_error& e) {
    problems.push_back(file + ':' + std::to_string(e.source().begin.line) +
                       ": not TOML: " + one_line(std::string(e.description())));
  }
}

void config_source::read_override(const std::string& text) {
  if (text.size() > line_bytes_max) {
    problems.push_back("--set: expected at most 8KiB, found \"" + one_line(text.substr(0, 40)) + "\"...");
    return;
  }
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    problems.push_back(one_line("--set " + text + ": expected section.option=value"));
    return;
  }
  const std::string key = text.substr(0, equals);
  const std::string raw = text.substr(equals + 1);
  const auto add = [&](const std::string& name, plain_value value, std::size_t) {
    values[name] = {std::move(value), "--set", 0, {}, raw};
  };
  // A list given here replaces a list of tables in the file as a whole, not entry by entry.
  std::erase_if(values, [&](const auto& entry) { return entry.first.starts_with(key + '['); });
  try {
    // A line break would let one option smuggle in others.
    if (raw.find_first_of("\r\n") != std::string::npos) return add(key, raw, 0);
    const toml::table table = toml::parse("value = " + raw);
    flatten(*table.get("value"), key, add);
  } catch (const toml::parse_error&) {
    add(key, raw, 0); // bare text
  }
}

} // namespace starling::cli
