#include "cli/bench/usage.hpp"

#include <unistd.h>

#include <ctime>
#include <fstream>
#include <sstream>
#include <string>

namespace starling::cli {

namespace {

bool add_usage(pid_t pid, process_usage& sum) {
  std::string line;
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  if (!std::getline(stat, line)) return false;
  // The second field is the program's name in parentheses, which may hold anything; the rest are numbers.
  auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return false;
  std::istringstream fields(line.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field)
    fields >> skipped;
  std::int64_t utime = 0, stime = 0;
  if (!(fields >> utime >> stime)) return false;
  sum.cpu += std::chrono::microseconds((utime + stime) * 1'000'000 / sysconf(_SC_CLK_TCK));

  std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
  std::uint64_t size_pages = 0, resident_pages = 0;
  if (!(statm >> size_pages >> resident_pages)) return false;
  sum.rss_bytes += resident_pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return true;
}

} // namespace

std::optional<process_usage> usage_of(const std::vector<pid_t>& pids) {
  process_usage sum;
  for (auto pid : pids)
    if (!add_usage(pid, sum)) return std::nullopt;
  return sum;
}

std::chrono::microseconds own_cpu() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::microseconds(used.tv_nsec / 1000);
}

} // namespace starling::cli
