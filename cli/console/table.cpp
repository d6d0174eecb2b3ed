#include "cli/console/table.hpp"

#include <algorithm>
#include <cctype>

namespace starling::cli {
namespace {

bool colours = false;

bool is_numeric(const std::string& text) {
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text.front())) != 0;
}

/// Columns on the screen: bytes that begin a character of UTF-8.
std::size_t width_of(const std::string& text) {
  auto begins = [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0) != 0x80; };
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins));
}

const char* code_of(tone how) {
  switch (how) {
  case tone::good:
    return "\x1b[32m";
  case tone::warn:
    return "\x1b[33m";
  case tone::bad:
    return "\x1b[31m";
  case tone::faint:
    return "\x1b[2m";
  case tone::bold:
    return "\x1b[1m";
  default:
    return "";
  }
}

} // namespace

void use_colours(bool on) { colours = on; }

std::string paint(tone how, const std::string& text) {
  return colours && how != tone::plain && !text.empty() ? code_of(how) + text + "\x1b[0m" : text;
}

std::string table::text() const {
  const auto columns = rows_.front().size();
  std::vector<std::size_t> widths(columns, 0);
  std::vector<bool> numeric(columns, rows_.size() > 1);
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    auto& cells = rows_[row];
    if (cells.size() != columns) continue; // a note
    for (std::size_t i = 0; i < columns; ++i) {
      widths[i] = std::max(widths[i], width_of(cells[i].text));
      if (row > 0 && !cells[i].text.empty() && !is_numeric(cells[i].text)) numeric[i] = false;
    }
  }
  std::string result;
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    auto& cells = rows_[row];
    if (cells.size() != columns) {
      result += "  " + cells.front().text + '\n';
      continue;
    }
    std::string line;
    std::size_t space = 0; // owed: none is written at the end of a line
    for (std::size_t i = 0; i < columns; ++i) {
      if (i > 0) space += 2;
      const auto missing = widths[i] - width_of(cells[i].text);
      if (numeric[i]) space += missing;
      if (!cells[i].text.empty()) {
        line += std::string(space, ' ') + paint(row == 0 ? tone::bold : cells[i].look, cells[i].text);
        space = 0;
      }
      if (!numeric[i]) space += missing;
    }
    result += line + '\n';
  }
  return result;
}

} // namespace starling::cli
