#include "cli/bench/metrics.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "cli/bench/endpoint.hpp"
#include "cli/descriptor.hpp"

namespace starling::cli {

namespace {

constexpr std::size_t answer_bytes_max = 1024 * 1024;

// The sum over all labels; none if the page has no such metric.
std::optional<std::uint64_t> total_of(std::string_view page, std::string_view metric) {
  std::optional<std::uint64_t> sum;
  while (!page.empty()) {
    auto line = page.substr(0, page.find('\n'));
    page.remove_prefix(std::min(page.size(), line.size() + 1));
    if (!line.starts_with(metric) || line.size() == metric.size()) continue;
    if (auto next = line[metric.size()]; next != ' ' && next != '{') continue; // a longer name
    auto number = line.substr(line.rfind(' ') + 1);
    double value = 0; // as all metrics are written: 1e+06
    if (std::from_chars(number.data(), number.data() + number.size(), value).ec != std::errc{}) continue;
    sum = sum.value_or(0) + static_cast<std::uint64_t>(value);
  }
  return sum;
}

// Returns an empty string, or what is wrong.
std::string ask(const std::string& node, publication_counts& sum) {
  int connected = -1;
  auto wrong = dial(node, "80", connected);
  descriptor socket(connected);
  if (!wrong.empty()) return wrong;
  auto question = "GET /metrics HTTP/1.1\r\nHost: " + node + "\r\nConnection: close\r\n\r\n";
  if (send(socket.get(), question.data(), question.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(question.size()))
    return std::strerror(errno);
  std::string answer;
  std::array<char, 16 * 1024> some;
  while (answer.size() < answer_bytes_max) {
    auto count = recv(socket.get(), some.data(), some.size(), 0);
    if (count < 0) return errno == EAGAIN ? "no answer within 2 s" : std::strerror(errno);
    if (count == 0) return add_publications(sum, answer) ? "" : "its /metrics tell of no publications";
    answer.append(some.data(), static_cast<std::size_t>(count));
  }
  return "its answer is too long";
}

} // namespace

bool add_publications(publication_counts& sum, std::string_view page) {
  auto read = total_of(page, "starling_redis_publications_total");
  auto in_vain = total_of(page, "starling_publications_in_vain_total");
  sum.read += read.value_or(0);
  sum.in_vain += in_vain.value_or(0);
  return read && in_vain;
}

std::string metrics_probe::open(std::vector<std::string> nodes) {
  nodes_ = std::move(nodes);
  publication_counts sum;
  for (const auto& each : nodes_)
    if (auto wrong = ask(each, sum); !wrong.empty()) return each + ": " + wrong;
  return {};
}

std::optional<publication_counts> metrics_probe::look() const {
  publication_counts sum;
  for (const auto& each : nodes_)
    if (!ask(each, sum).empty()) return std::nullopt;
  return nodes_.empty() ? std::nullopt : std::optional(sum);
}

} // namespace starling::cli
