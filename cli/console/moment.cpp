#include "cli/console/moment.hpp"

#include <charconv>
#include <chrono>
#include <cstdio>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "chat/units.hpp"

namespace starling::cli {

using namespace std::chrono;

std::string moment_text(std::int64_t unix_ms) {
  sys_time<milliseconds> at{milliseconds(unix_ms)};
  auto whole = floor<seconds>(at);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(system_clock::to_time_t(whole)), (at - whole).count());
}

std::int64_t now_unix_ms() { return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count(); }

std::optional<std::int64_t> parse_moment(const std::string& text) {
  if (auto ago = parse_duration(text)) return now_unix_ms() - ago->count();
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0, ms = 0, end = 0;
  auto begin = std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &y, &mo, &d, &h, &mi, &s, &end);
  if (begin != 6) return std::nullopt;
  auto rest = text.substr(static_cast<std::size_t>(end));
  if (rest != "Z") {
    if (rest.size() != 5 || rest.front() != '.' || rest.back() != 'Z') return std::nullopt;
    auto [last, bad] = std::from_chars(rest.data() + 1, rest.data() + 4, ms);
    if (bad != std::errc() || last != rest.data() + 4) return std::nullopt;
  }
  year_month_day date{year(y), month(static_cast<unsigned>(mo)), day(static_cast<unsigned>(d))};
  if (!date.ok() || h > 23 || mi > 59 || s > 59) return std::nullopt;
  auto at = sys_days(date) + hours(h) + minutes(mi) + seconds(s) + milliseconds(ms);
  return duration_cast<milliseconds>(at.time_since_epoch()).count();
}

} // namespace starling::cli
