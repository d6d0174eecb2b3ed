#include "cli/console/screen.hpp"

#include <cstdio>

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace starling::cli {
namespace {

constexpr char escape = '\x1b';

void write_all(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

bool readable(std::chrono::milliseconds how_long) {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  return ::poll(&input, 1, static_cast<int>(how_long.count())) > 0;
}

} // namespace

screen::screen() {
  tcgetattr(STDIN_FILENO, &before_);
  auto now = before_;
  now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO); // signals stay: Ctrl-C is one
  now.c_cc[VMIN] = 1;
  now.c_cc[VTIME] = 0;
  tcsetattr(STDIN_FILENO, TCSANOW, &now);
  write_all("\x1b[?1049h\x1b[?25l"); // the other screen, without a cursor
}

screen::~screen() {
  write_all("\x1b[?25h\x1b[?1049l");
  tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

screen::measure screen::size() const {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) return {24, 80};
  return {size.ws_row, size.ws_col};
}

void screen::show(const std::string& text) {
  const auto [rows, columns] = size();
  std::string out = "\x1b[H";
  std::size_t begin = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    auto end = text.find('\n', begin);
    auto line = begin >= text.size() ? std::string() : text.substr(begin, end - begin);
    out += cut_line(line, columns) + "\x1b[K"; // and nothing of what stood there
    if (row + 1 < rows) out += "\r\n";
    begin = end == std::string::npos ? text.size() : end + 1;
  }
  write_all(out);
}

std::optional<int> screen::key(std::chrono::milliseconds how_long) const {
  if (!readable(how_long)) return std::nullopt;
  char typed = 0;
  if (::read(STDIN_FILENO, &typed, 1) != 1) return end_of_input;
  if (typed != escape) return static_cast<unsigned char>(typed);
  // An arrow is sent as three characters at once; escape alone comes alone.
  char rest[2] = {};
  constexpr std::chrono::milliseconds at_once{20};
  for (auto& each : rest)
    if (!readable(at_once) || ::read(STDIN_FILENO, &each, 1) != 1) return escape;
  if (rest[0] == '[' && rest[1] == 'A') return up;
  if (rest[0] == '[' && rest[1] == 'B') return down;
  return std::nullopt;
}

std::string cut_line(const std::string& line, std::size_t columns) {
  std::string result;
  std::size_t width = 0;
  bool painted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == escape) {
      auto end = line.find('m', i);
      if (end == std::string::npos) break;
      result += line.substr(i, end - i + 1);
      painted = true;
      i = end;
      continue;
    }
    const bool begins = (static_cast<unsigned char>(line[i]) & 0xc0) != 0x80;
    if (begins && width++ == columns) break;
    result += line[i];
  }
  return painted ? result + "\x1b[0m" : result;
}

} // namespace starling::cli
