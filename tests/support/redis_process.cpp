#include "tests/support/redis_process.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/redis_reply.hpp"
#include "tests/support/child_process.hpp"

namespace starling::test {

using namespace std::chrono_literals;

redis_process::redis_process(redis_options options) : options_(std::move(options)) {
  auto pattern = (std::filesystem::temp_directory_path() / "starling-redis-XXXXXX").string();
  if (!mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp failed");
  directory_ = pattern;
  for (int attempt = 0; attempt < 5; ++attempt) { // somebody may take the port before Redis does
    port_ = server_port();
    write_config();
    if (spawn()) return;
  }
  std::ifstream log(directory_ + "/redis.log");
  throw std::runtime_error("redis-server does not start: " + std::string(std::istreambuf_iterator<char>(log), {}));
}

redis_process::~redis_process() {
  kill9();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void redis_process::write_config() const {
  std::ofstream config(directory_ + "/redis.conf");
  config << "bind 127.0.0.1 " << options_.also_bind << "\nprotected-mode no\nport " << port_ << "\nunixsocket "
         << socket_path() << "\ndir " << directory_ << "\nlogfile " << directory_
         << "/redis.log\nsave \"\"\nenable-debug-command yes\n";
  if (options_.append_only) config << "appendonly yes\nappendfsync always\n";
  if (!options_.user.empty())
    config << "user default off\nuser test on >test ~* &* +@all\nuser " << options_.user << " on >" << options_.password
           << ' ' << options_.rules << '\n';
  else if (!options_.password.empty())
    config << "requirepass " << options_.password << '\n';
}

bool redis_process::spawn() {
  const auto config = directory_ + "/redis.conf";
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) { // only what is safe after a fork in a process of many threads
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    const int null = open("/dev/null", O_RDWR);
    for (int fd : {0, 1, 2})
      dup2(null, fd);
    execlp("redis-server", "redis-server", config.c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }
  if (pid_ > 0 && wait_until_it_answers()) return true;
  kill9();
  return false;
}

bool redis_process::wait_until_it_answers() const {
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (std::chrono::steady_clock::now() < deadline) {
    if (waitpid(pid_, nullptr, WNOHANG | WNOWAIT) != 0 && kill(pid_, 0) != 0) return false;
    const auto answer = command({"PING"});
    if (answer.to_string() == "PONG") return true;
    std::this_thread::sleep_for(5ms); // between two looks at the condition, not in its place
  }
  return false;
}

void redis_process::kill9() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void redis_process::restart() {
  kill9();
  if (!spawn()) throw std::runtime_error("redis-server does not start again on port " + std::to_string(port_));
}

void redis_process::forget() { std::filesystem::remove_all(directory_ + "/appendonlydir"); }

void redis_process::forget_last(std::uintmax_t bytes) {
  for (const auto& file : std::filesystem::directory_iterator(directory_ + "/appendonlydir"))
    if (file.path().string().ends_with(".incr.aof"))
      std::filesystem::resize_file(file, file.file_size() - std::min(bytes, file.file_size()));
}

void redis_process::pause() { kill(pid_, SIGSTOP); }
void redis_process::resume() { kill(pid_, SIGCONT); }

redis_value redis_process::command(const std::vector<std::string>& words) const {
  const timeval limit{5, 0};
  const std::unique_ptr<redisContext, decltype(&redisFree)> context(
      redisConnectUnixWithTimeout(socket_path().c_str(), limit), redisFree);
  if (!context || context->err) return redis_value::error{context ? context->errstr : "out of memory"};
  redisSetTimeout(context.get(), limit);
  auto run = [&](const std::vector<std::string>& what) -> redis_value {
    std::vector<const char*> argv;
    std::vector<std::size_t> sizes;
    for (auto& word : what) {
      argv.push_back(word.data());
      sizes.push_back(word.size());
    }
    const std::unique_ptr<void, decltype(&freeReplyObject)> reply(
        redisCommandArgv(context.get(), static_cast<int>(what.size()), argv.data(), sizes.data()), freeReplyObject);
    if (!reply) return redis_value::error{context->errstr};
    return net::to_value(*static_cast<redisReply*>(reply.get()));
  };
  if (!options_.user.empty())
    run({"AUTH", "test", "test"});
  else if (!options_.password.empty())
    run({"AUTH", options_.password});
  return run(words);
}

} // namespace starling::test
