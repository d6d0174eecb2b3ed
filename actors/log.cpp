#include "actors/log.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "actors/events.hpp"
#include "chat/codec.hpp"

namespace starling::log {

namespace {

constexpr std::size_t line_bytes_max = 8 * 1024; // of the details; the rest is cut off

constexpr std::array<std::string_view, 6> names{"trace", "debug", "info", "warn", "error", "off"};

level level_of(std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? level::info : static_cast<level>(found - names.begin());
}

/// How to log, as of one call of `configure`; never changed afterwards.
struct configuration {
  log_settings settings;
  bool json = false;
  level usual = level::info;
  std::vector<std::pair<std::string, level>> components;
  std::shared_ptr<spdlog::logger> logger;

  level of(std::string_view event) const {
    const std::string_view component = event.substr(0, event.find('.'));
    for (const auto& [name, value] : components) {
      if (name == component) return value;
    }
    return usual;
  }
};

std::unique_ptr<configuration> make(const log_settings& settings) {
  auto made = std::make_unique<configuration>();
  made->settings = settings;
  made->json = settings.format == "json";
  made->usual = level_of(settings.level);
  for (const std::string& entry : settings.levels) {
    const std::size_t equals = entry.find('=');
    if (equals != std::string::npos) {
      made->components.emplace_back(entry.substr(0, equals), level_of(std::string_view(entry).substr(equals + 1)));
    }
  }
  made->logger = std::make_shared<spdlog::logger>("starling", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  // Levels are decided here, before anything is formatted.
  made->logger->set_level(spdlog::level::trace);
  made->logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      made->json ? R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ",%v})" : "%Y-%m-%dT%H:%M:%S.%eZ %v",
      spdlog::pattern_time_type::utc));
  return made;
}

/// Holds every configuration that there was: a thread may still be using an older one, and there are few.
class configurations {
public:
  configurations() { set(make(log_settings{})); }

  const configuration& current() const { return *current_.load(std::memory_order_acquire); }

  void set(std::unique_ptr<configuration> next) {
    level lowest = next->usual;
    for (const auto& entry : next->components)
      lowest = std::min(lowest, entry.second);
    const std::lock_guard lock(mutex_);
    current_.store(all_.emplace_back(std::move(next)).get(), std::memory_order_release);
    detail::lowest.store(lowest, std::memory_order_relaxed);
  }

private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<const configuration>> all_;
  std::atomic<const configuration*> current_{nullptr};
};

/// Lives as long as the process, since threads may log until its very end.
configurations& all() {
  static auto* const instance = new configurations;
  return *instance;
}

/// Keeps an event on its line, whatever a client put into a name: control characters become \n, \t or \x1b.
void append_line(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
}

} // namespace

void configure(const log_settings& settings) { all().set(make(settings)); }

log_settings current() { return all().current().settings; }

namespace detail {

// As in `log_settings`, until `configure` is called.
std::atomic<level> lowest{level::info};

bool enabled(level at, std::string_view event) { return at >= all().current().of(event); }

void write(level at, std::string_view event, fmt::string_view format, fmt::format_args args) {
  const configuration& how = all().current();
  std::string details = fmt::vformat(format, args);
  if (details.size() > line_bytes_max) details.replace(line_bytes_max, std::string::npos, "...");
  const std::string_view name = names.at(static_cast<std::size_t>(at));
  std::string line;
  if (how.json) {
    line = fmt::format(R"("level":"{}","event":)", name);
    append_json_string(line, event);
    line += R"(,"detail":)";
    append_json_string(line, details);
  } else {
    line = fmt::format("{:<5} ", name);
    append_line(line, event);
    if (!details.empty()) line += ' ';
    append_line(line, details);
  }
  how.logger->log(spdlog::level::critical, line);
  event_ring::instance().add(name, event, details);
}

} // namespace detail

} // namespace starling::log
