#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace starling::cli {

/// How a text looks on a terminal: never the only sign of anything.
enum class tone : std::uint8_t { plain, good, warn, bad, faint, bold };

/// Colours are only for terminals, and not where the environment has NO_COLOR.
void use_colours(bool on);
/// The text in that colour, if there are any.
std::string paint(tone how, const std::string& text);

/// One field of a table.
struct table_cell {
  table_cell(std::string what, tone how = tone::plain) : text(std::move(what)), look(how) {}
  table_cell(const char* what) : text(what) {}
  std::string text;
  tone look = tone::plain;
};

/// Text in columns, for people: each as wide as its widest cell. Numbers stand to the right.
class table {
public:
  explicit table(std::vector<table_cell> header) : rows_{std::move(header)} {}

  /// As many cells as the header has.
  void add(std::vector<table_cell> cells) { rows_.push_back(std::move(cells)); }
  /// A line that belongs to the row above it, but has no columns.
  void add_note(std::string text) { rows_.push_back({std::move(text)}); }
  bool empty() const { return rows_.size() == 1; }
  std::string text() const;

private:
  std::vector<std::vector<table_cell>> rows_; // the first is the header; a note has one cell
};

} // namespace starling::cli
