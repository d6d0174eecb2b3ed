#include "actors/log.hpp"

#include <array>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace starling;

namespace {

/// Gathers what is written to stderr, from construction to `lines`.
class captured_stderr {
public:
  captured_stderr() : file_(std::tmpfile()), saved_(::dup(STDERR_FILENO)) {
    REQUIRE(file_ != nullptr);
    ::dup2(::fileno(file_), STDERR_FILENO);
  }
  captured_stderr(const captured_stderr&) = delete;
  captured_stderr& operator=(const captured_stderr&) = delete;
  ~captured_stderr() {
    restore();
    std::fclose(file_);
    log::configure({}); // other tests see the usual log
  }

  std::vector<std::string> lines() {
    restore();
    std::rewind(file_);
    std::vector<std::string> result(1);
    for (int c = std::fgetc(file_); c != EOF; c = std::fgetc(file_)) {
      if (c == '\n') {
        result.emplace_back();
      } else {
        result.back() += static_cast<char>(c);
      }
    }
    CHECK(result.back().empty()); // whole lines only
    result.pop_back();
    return result;
  }

private:
  void restore() {
    if (saved_ < 0) return;
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
    saved_ = -1;
  }
  std::FILE* file_;
  int saved_;
};

const std::string timestamp = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z";

/// Counts how often it is formatted.
struct costly {
  int* formatted;
};

} // namespace

template <>
struct fmt::formatter<costly> : fmt::formatter<int> {
  template <class Context>
  auto format(const costly& c, Context& context) const {
    return fmt::formatter<int>::format(++*c.formatted, context);
  }
};

TEST_CASE("a line of the log has time, level, event and details", "[log]") {
  captured_stderr captured;
  log::configure({});
  log::warn("shard.lost", "shard={} retry_in={}ms", "s1", 50);
  log::info("node.stopped");
  const auto lines = captured.lines();
  REQUIRE(lines.size() == 2);
  CHECK_THAT(lines[0], Catch::Matches(timestamp + " warn  shard\\.lost shard=s1 retry_in=50ms"));
  CHECK_THAT(lines[1], Catch::Matches(timestamp + " info  node\\.stopped"));
}

TEST_CASE("what is below the level is neither written nor formatted", "[log]") {
  captured_stderr captured;
  log_settings settings;
  settings.level = "warn";
  log::configure(settings);
  int formatted = 0;
  log::info("node.joined", "cost={}", costly{&formatted});
  CHECK(formatted == 0);
  log::error("node.lost", "cost={}", costly{&formatted});
  CHECK(formatted == 1);
  CHECK(captured.lines().size() == 1);
}

TEST_CASE("a component has its own level", "[log]") {
  captured_stderr captured;
  log_settings settings;
  settings.level = "warn";
  settings.levels = {"redis=debug", "room=off"};
  log::configure(settings);
  CHECK(log::enabled(log::level::debug, "redis.connected"));
  CHECK_FALSE(log::enabled(log::level::trace, "redis.connected"));
  CHECK_FALSE(log::enabled(log::level::error, "room.gap"));
  CHECK_FALSE(log::enabled(log::level::info, "redis_pool.connected"));
  CHECK(log::enabled(log::level::warn, "node"));
  log::debug("redis.connected", "shard={}", "s1");
  log::error("room.gap", "room={}", "r");
  CHECK(captured.lines().size() == 1);
}

TEST_CASE("the log in JSON is an object a line, whatever the details hold", "[log]") {
  captured_stderr captured;
  log_settings settings;
  settings.format = "json";
  log::configure(settings);
  log::error("shard.lost", "why=\"a\\b\"\n{}", "\x01 %v %Y é");
  log::info("node.stopped");
  const auto lines = captured.lines();
  REQUIRE(lines.size() == 2);
  CHECK_THAT(
      lines[0],
      Catch::StartsWith("{\"ts\":\"20") &&
          Catch::EndsWith("Z\",\"level\":\"error\",\"event\":\"shard.lost\",\"detail\":\"why=\\\"a\\\\b\\\"\\n\\u0001 "
                          "%v %Y é\"}"));
  CHECK_THAT(lines[1], Catch::EndsWith(",\"level\":\"info\",\"event\":\"node.stopped\",\"detail\":\"\"}"));
}

TEST_CASE("nobody can forge a line of the log", "[log]") {
  captured_stderr captured;
  log::configure({});
  log::info("session.opened", "name={}", "x\n2026-01-01T00:00:00.000Z error master.lost\x1b[31m\t\r");
  const auto lines = captured.lines();
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], Catch::EndsWith("name=x\\n2026-01-01T00:00:00.000Z error master.lost\\x1b[31m\\t\\x0d"));
}

TEST_CASE("endless details are cut off", "[log]") {
  captured_stderr captured;
  log::configure({});
  log::info("session.opened", "name={}", std::string(1'000'000, 'x'));
  const auto lines = captured.lines();
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].size() < 9000);
  CHECK_THAT(lines[0], Catch::EndsWith("xxx..."));
}

TEST_CASE("threads may log while the settings change", "[log]") {
  captured_stderr captured;
  log::configure({});
  constexpr std::size_t each = 200;
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < 4; ++t) {
      threads.emplace_back([] {
        for (std::size_t i = 0; i < each; ++i)
          log::warn("test.line", "number={}", i);
      });
    }
    for (int i = 0; i < 20; ++i)
      log::configure({});
  }
  const auto lines = captured.lines();
  CHECK(lines.size() == 4 * each);
  for (const std::string& line : lines) {
    if (line.find(" warn  test.line number=") == std::string::npos) FAIL(line);
  }
}
