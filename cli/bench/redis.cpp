#include "cli/bench/redis.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "cli/bench/endpoint.hpp"
#include "cli/bench/fields.hpp"

namespace starling::cli {

namespace {

constexpr std::size_t answer_bytes_max = 1024 * 1024;
constexpr std::string_view question = "INFO commandstats\r\n";

constexpr std::array calls_of_scripts{"eval", "eval_ro", "evalsha", "evalsha_ro", "fcall", "fcall_ro"};
// What no script may run (`COMMAND INFO` calls them noscript), as far as servers of chats send it.
constexpr std::array never_in_scripts{"auth",   "client",     "config",       "discard",      "exec",    "hello",
                                      "multi",  "psubscribe", "punsubscribe", "quit",         "reset",   "script",
                                      "select", "ssubscribe", "subscribe",    "sunsubscribe", "unwatch", "unsubscribe",
                                      "watch",  "function",   "ping"};

bool is_one_of(const auto& names, std::string_view name) {
  name = name.substr(0, name.find('|'));
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_publication(std::string_view name) { return name == "publish" || name == "spublish"; }

// The text of a bulk reply once it is whole; what else Redis says is an error.
std::optional<std::string> ask(int socket, std::string& error) {
  if (send(socket, question.data(), question.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(question.size())) {
    error = std::strerror(errno);
    return std::nullopt;
  }
  std::string answer;
  std::array<char, 16 * 1024> some;
  while (answer.size() < answer_bytes_max) {
    auto count = recv(socket, some.data(), some.size(), 0);
    if (count <= 0) {
      error = count == 0 ? "it closed the connection" : errno == EAGAIN ? "no answer within 2 s" : std::strerror(errno);
      return std::nullopt;
    }
    answer.append(some.data(), static_cast<std::size_t>(count));
    auto line_end = answer.find("\r\n");
    if (line_end == std::string::npos) continue;
    auto size = answer.starts_with('$') ? number_after(answer, "$") : std::nullopt;
    if (!size) {
      error = "it says " + answer.substr(0, line_end);
      return std::nullopt;
    }
    if (answer.size() >= line_end + 2 + *size + 2) return answer.substr(line_end + 2, *size);
  }
  error = "its answer is too long";
  return std::nullopt;
}

} // namespace

void add_command_calls(command_calls& sum, std::string_view info) {
  constexpr std::string_view begin = "cmdstat_";
  for (auto rest = text_after(info, begin); !rest.empty(); rest = text_after(rest, begin)) {
    auto line = rest.substr(0, rest.find('\r'));
    auto calls = number_after(line, ":calls=");
    if (calls) sum[std::string(line.substr(0, line.find(':')))] += *calls;
  }
}

redis_work work_between(const command_calls& before, const command_calls& after) {
  command_calls done;
  bool scripts = false;
  for (const auto& [name, calls] : after) {
    auto known = before.find(name);
    auto since = calls - std::min(calls, known == before.end() ? 0 : known->second);
    if (name == "info" || since == 0) continue;
    done[name] = since;
    scripts = scripts || is_one_of(calls_of_scripts, name);
  }
  redis_work work;
  for (const auto& [name, calls] : done) {
    work.all += calls;
    if (is_publication(name)) work.publications += calls;
    if (!scripts || is_one_of(calls_of_scripts, name) || is_one_of(never_in_scripts, name)) work.asked += calls;
  }
  return work;
}

std::string redis_probe::open(const std::vector<std::string>& instances) {
  for (const auto& name : instances) {
    int socket = -1;
    auto wrong = dial(name, "6379", socket);
    sockets_.push_back(std::make_unique<descriptor>(socket));
    if (wrong.empty()) (void)ask(socket, wrong);
    if (!wrong.empty()) return name + ": " + wrong;
  }
  return {};
}

std::optional<command_calls> redis_probe::look() {
  if (sockets_.empty()) return std::nullopt;
  command_calls sum;
  for (const auto& each : sockets_) {
    std::string wrong;
    auto info = ask(each->get(), wrong);
    if (!info) return std::nullopt;
    add_command_calls(sum, *info);
  }
  return sum;
}

} // namespace starling::cli
