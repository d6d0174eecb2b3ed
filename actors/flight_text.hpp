#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

/// Texts and names of the flight recorder's files.
namespace starling::flight_recorder {

/// A text that is put together in a handler of signals: in memory of its own, by nobody else's code. What does not fit
/// is cut off.
class signal_text {
public:
  signal_text& add(std::string_view text) {
    const auto count = std::min(text.size(), text_.size() - 1 - size_);
    std::copy_n(text.begin(), count, text_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += count;
    return *this;
  }
  signal_text& add(std::uint64_t number, std::size_t digits_min = 1) {
    std::array<char, 20> digits{};
    auto first = digits.size();
    for (; number != 0 || digits.size() - first < digits_min; number /= 10)
      digits[--first] = static_cast<char>('0' + number % 10);
    return add(std::string_view(digits.data() + first, digits.size() - first));
  }
  /// "2026-01-31T12:00:00.250Z"
  signal_text& add_time(std::int64_t unix_ms) {
    using namespace std::chrono;
    const sys_time<milliseconds> at{milliseconds(unix_ms)};
    const auto day = floor<days>(at);
    const year_month_day date(day);
    const hh_mm_ss time(at - day);
    add(static_cast<std::uint64_t>(static_cast<int>(date.year())), 4).add("-");
    add(static_cast<unsigned>(date.month()), 2).add("-").add(static_cast<unsigned>(date.day()), 2).add("T");
    add(static_cast<std::uint64_t>(time.hours().count()), 2).add(":");
    add(static_cast<std::uint64_t>(time.minutes().count()), 2).add(":");
    add(static_cast<std::uint64_t>(time.seconds().count()), 2).add(".");
    return add(static_cast<std::uint64_t>(time.subseconds().count()), 3).add("Z");
  }

  std::string_view view() const { return {text_.data(), size_}; }
  const char* c_str() const { return text_.data(); } // ends with '\0'
  std::size_t size() const { return size_; }

private:
  std::array<char, 1024> text_{};
  std::size_t size_ = 0;
};

/// "flight-node-a-", and behind it time, pid and ".txt".
inline std::string file_begin(const std::string& process) { return "flight-" + process + "-"; }

/// Is it one of that process, and not of one whose name begins the same?
inline bool is_flight_file(std::string_view name, const std::string& process) {
  constexpr std::string_view time_form = "dddd-dd-ddTdd:dd:dd.dddZ-";
  const auto begin = file_begin(process);
  if (!name.starts_with(begin) || !name.ends_with(".txt")) return false;
  name.remove_prefix(begin.size());
  name.remove_suffix(4);
  auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (name.size() <= time_form.size()) return false;
  for (std::size_t i = 0; i < name.size(); ++i)
    if (i >= time_form.size() || time_form[i] == 'd' ? !is_digit(name[i]) : name[i] != time_form[i]) return false;
  return true;
}

} // namespace starling::flight_recorder
