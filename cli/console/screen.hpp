#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include <termios.h>

namespace starling::cli {

/// The whole terminal, while it stands: keys come one by one, and what was there before comes back at its end.
class screen {
public:
  screen();
  ~screen();
  screen(const screen&) = delete;
  screen& operator=(const screen&) = delete;

  struct measure {
    std::size_t rows, columns;
  };
  measure size() const;

  /// Shows these lines from the top, each cut at the edge, and as many as there are rows.
  void show(const std::string& text);

  /// Waits so long for a key: a character, or one of those below.
  std::optional<int> key(std::chrono::milliseconds how_long) const;
  static constexpr int up = 256, down = 257, end_of_input = 258;

private:
  termios before_{};
};

/// The first so many columns of a line; sequences that set colours have no width.
std::string cut_line(const std::string& line, std::size_t columns);

} // namespace starling::cli
