#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <hiredis/hiredis.h>

#include "chat/slot.hpp"

using starling::slot_number;
using starling::slot_of;

namespace {

using context = std::unique_ptr<redisContext, decltype(&redisFree)>;
using reply = std::unique_ptr<redisReply, decltype(&freeReplyObject)>;

/// Two ports that were free a moment ago. Both sockets are open at once, so the ports differ.
std::pair<int, int> free_ports() {
  int ports[2];
  int sockets[2];
  for (int i = 0; i < 2; ++i) {
    sockets[i] = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(sockets[i], reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::getsockname(sockets[i], reinterpret_cast<sockaddr*>(&address), &size) == 0);
    ports[i] = ntohs(address.sin_port);
  }
  for (int socket : sockets)
    ::close(socket);
  return {ports[0], ports[1]};
}

/// A Redis in cluster mode in a directory of its own; ends with this.
class cluster_redis {
public:
  cluster_redis() {
    auto name = (std::filesystem::temp_directory_path() / "starling-slots-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()));
    directory_ = name;
  }

  ~cluster_redis() {
    stop();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  cluster_redis(const cluster_redis&) = delete;
  cluster_redis& operator=(const cluster_redis&) = delete;

  /// Returns a connection to the server, or null if it did not come up, as when another process was given its port.
  context start() {
    stop();
    auto [port, bus_port] = free_ports();
    spawn({"redis-server", "--cluster-enabled", "yes", "--bind", "127.0.0.1", "--port", std::to_string(port),
           "--cluster-port", std::to_string(bus_port), "--dir", directory_.string(), "--save", "", "--appendonly",
           "no"});
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < deadline && ::waitpid(pid_, nullptr, WNOHANG) == 0) {
      context redis(::redisConnectWithTimeout("127.0.0.1", port, {1, 0}), ::redisFree);
      if (redis && !redis->err) {
        ::redisSetTimeout(redis.get(), {5, 0});
        return redis;
      }
      ::usleep(10'000); // between two looks at the condition, which is the port's
    }
    return {nullptr, ::redisFree};
  }

private:
  void spawn(std::vector<std::string> args) {
    std::vector<char*> argv;
    for (auto& arg : args)
      argv.push_back(arg.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    auto error = ::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    INFO("redis-server must be on PATH");
    REQUIRE(error == 0);
  }

  void stop() {
    if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    pid_ = -1;
  }

  std::filesystem::path directory_;
  pid_t pid_ = -1;
};

std::vector<std::string> some_keys(std::mt19937& random) {
  std::vector<std::string> keys{"",      "{",        "}",       "{}",     "}{",       "{}{a}",   "{{a}}",    "{{}}",
                                "a{b}c", "a{b}{c}d", "a{b{c}d", "a}b{c}", "{a}{b}",   "{a",      "a}",       "a{}b",
                                "{ }",   "a{{}b}c",  "room:x",  "{ann}",  "user:ann", "{a}}{b}", "123456789"};
  auto bytes = [&](std::size_t size, std::string_view from) {
    std::string result;
    for (; size > 0; --size)
      result += from.empty() ? static_cast<char>(random() % 256) : from[random() % from.size()];
    return result;
  };
  for (int i = 0; i < 200; ++i)
    keys.push_back(bytes(random() % 40, ""));
  for (int i = 0; i < 300; ++i)
    keys.push_back(bytes(random() % 12, "{}ab"));
  for (int i = 0; i < 100; ++i)
    keys.push_back(bytes(random() % 9, "") + "{" + bytes(random() % 9, "") + "}tail");
  keys.push_back(bytes(100'000, ""));
  return keys;
}

} // namespace

TEST_CASE("slots are those of a real Redis cluster", "[slot][redis]") {
  cluster_redis server;
  auto redis = server.start();
  for (int attempt = 0; !redis && attempt < 4; ++attempt)
    redis = server.start();
  REQUIRE(redis);

  auto seed = std::random_device()();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  auto keys = some_keys(random);
  for (const auto& key : keys) {
    reply answer(static_cast<redisReply*>(::redisCommand(redis.get(), "CLUSTER KEYSLOT %b", key.data(), key.size())),
                 ::freeReplyObject);
    INFO("key " << Catch::Detail::stringify(key));
    REQUIRE(answer);
    REQUIRE(answer->type == REDIS_REPLY_INTEGER);
    CHECK(answer->integer == slot_of(key));
  }
}
