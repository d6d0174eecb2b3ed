#include "cli/supervisor.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>

#include <boost/asio/co_spawn.hpp>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/child_process.hpp"

namespace fs = std::filesystem;
namespace asio = boost::asio;
using namespace std::chrono_literals;
using starling::cli::child_spec;
using starling::cli::ready_check;
using starling::cli::stage;
using starling::cli::supervisor;
using starling::cli::supervisor_settings;

namespace {

// A directory of a test's own, gone with it.
class scratch {
public:
  scratch() {
    std::string name = (fs::temp_directory_path() / "starling-up-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("no temporary directory");
    path_ = name;
  }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  ~scratch() { fs::remove_all(path_); }
  fs::path operator/(const char* name) const { return path_ / name; }

private:
  fs::path path_;
};

std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

supervisor_settings quick() {
  supervisor_settings settings;
  settings.ready_within = 5s;
  settings.ready_interval = 5ms;
  settings.backoff_min = 100ms;
  settings.backoff_max = 400ms;
  return settings;
}

// A supervisor at work, whose loop turns while a test waits for something.
class at_work {
public:
  explicit at_work(std::vector<stage> stages, supervisor_settings settings = quick())
      : cluster{io_, settings, [this](const std::string& line) { said.push_back(line); }} {
    asio::co_spawn(io_, cluster.run(std::move(stages), [this] { ready = true; }),
                   [this](std::exception_ptr broken, std::string why) {
                     if (broken) std::rethrow_exception(broken);
                     failure = std::move(why);
                     over = true;
                   });
  }

  // False after ten seconds.
  template <class Condition>
  bool comes(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() >= deadline) return false;
      io_.run_one_for(5ms); // not all conditions are events: some are contents of files
      io_.restart();
    }
    return true;
  }

  // The process id that a child has printed as its first line.
  pid_t pid_in(const fs::path& log) {
    std::string line;
    REQUIRE(comes([&] { return !(line = text_of(log)).empty() && line.back() == '\n'; }));
    return std::stoi(line);
  }

  bool has_said(const std::string& what) const {
    return std::ranges::any_of(said, [&](const auto& line) { return line.find(what) != std::string::npos; });
  }

private:
  asio::io_context io_{1};

public:
  std::vector<std::string> said;
  bool ready = false;
  bool over = false;
  std::string failure;
  supervisor cluster;
};

child_spec spec(const scratch& dir, std::string name, std::vector<std::string> argv) {
  child_spec child;
  child.log_file = dir / (name + ".log").c_str();
  child.name = std::move(name);
  child.argv = std::move(argv);
  return child;
}

child_spec sleeper(const scratch& dir, std::string name) { return spec(dir, std::move(name), {"sleep", "600"}); }

// While one of these lives, this process and not init learns how orphans end.
class orphans_are_ours {
public:
  orphans_are_ours() { prctl(PR_SET_CHILD_SUBREAPER, 1); }
  orphans_are_ours(const orphans_are_ours&) = delete;
  orphans_are_ours& operator=(const orphans_are_ours&) = delete;
  ~orphans_are_ours() { prctl(PR_SET_CHILD_SUBREAPER, 0); }
};

bool exists(pid_t pid) { return kill(pid, 0) == 0; }

} // namespace

TEST_CASE("a child that was killed is started again, and that is said", "[supervisor]") {
  const scratch dir;
  at_work work{{{sleeper(dir, "a")}}};
  REQUIRE(work.comes([&] { return work.ready; }));
  const pid_t first = work.cluster.pid_of("a");
  REQUIRE(exists(first));

  kill(first, SIGKILL);
  REQUIRE(work.comes([&] { return work.cluster.pid_of("a") > 0 && work.cluster.pid_of("a") != first; }));
  CHECK(work.has_said("a (pid " + std::to_string(first) + ") was killed by signal 9; starting again in 0.1 s"));
  CHECK(work.comes([&] { return work.has_said("is ready again"); }));

  work.cluster.stop();
  REQUIRE(work.comes([&] { return work.over; }));
  CHECK(work.failure.empty());
}

TEST_CASE("a child that keeps dying is started more and more slowly, up to a limit", "[supervisor]") {
  const scratch dir;
  at_work work{{{sleeper(dir, "a")}}};
  for (const auto* pause : {"in 0.1 s", "in 0.2 s", "in 0.4 s", "in 0.4 s"}) {
    REQUIRE(work.comes([&] { return work.cluster.pid_of("a") > 0; }));
    work.said.clear();
    kill(work.cluster.pid_of("a"), SIGKILL);
    REQUIRE(work.comes([&] { return !work.said.empty() && work.cluster.pid_of("a") < 0; }));
    CHECK(work.has_said(pause));
  }
  work.cluster.stop(); // in the middle of a pause
  CHECK(work.comes([&] { return work.over; }));
}

TEST_CASE("a child that lived long enough is started again without delay growing", "[supervisor]") {
  const scratch dir;
  auto settings = quick();
  settings.young = 0ms;
  at_work work{{{sleeper(dir, "a")}}, settings};
  for (int i = 0; i < 3; ++i) {
    REQUIRE(work.comes([&] { return work.cluster.pid_of("a") > 0; }));
    work.said.clear();
    kill(work.cluster.pid_of("a"), SIGKILL);
    REQUIRE(work.comes([&] { return !work.said.empty() && work.cluster.pid_of("a") < 0; }));
    CHECK(work.has_said("in 0.1 s"));
  }
  work.cluster.stop();
  CHECK(work.comes([&] { return work.over; }));
}

TEST_CASE("what children say goes to their log files, after what stood there", "[supervisor]") {
  const scratch dir;
  std::ofstream(dir / "a.log") << "before\n";
  at_work work{{{spec(dir, "a", {"sh", "-c", "echo out; echo err >&2; exec sleep 600"})}}};
  CHECK(work.comes([&] { return text_of(dir / "a.log") == "before\nout\nerr\n"; }));
  work.cluster.stop();
  CHECK(work.comes([&] { return work.over; }));
}

TEST_CASE("the last stage is ended first, and nothing is left", "[supervisor]") {
  const scratch dir;
  const auto order = dir / "order";
  const auto told = [&](const std::string& name) {
    const auto ended = "echo " + name + " >> " + order.string() + "; exit 0";
    return spec(dir, name, {"sh", "-c", "trap '" + ended + "' TERM; echo up; while :; do sleep 600 & wait; done"});
  };
  at_work work{{{told("first")}, {told("second")}, {told("third")}}};
  const auto is_up = [&](const char* log) { return text_of(dir / log) == "up\n"; };
  REQUIRE(work.comes([&] { return is_up("first.log") && is_up("second.log") && is_up("third.log"); }));
  const auto pid = work.cluster.pid_of("first");

  work.cluster.stop();
  REQUIRE(work.comes([&] { return work.over; }));
  CHECK(text_of(order) == "third\nsecond\nfirst\n");
  CHECK_FALSE(exists(pid));
}

TEST_CASE("a child that does not end in time is killed, and that is said", "[supervisor]") {
  const scratch dir;
  auto deaf = spec(dir, "a", {"sh", "-c", "trap '' TERM; echo up; while :; do sleep 600; done"});
  deaf.stop_within = 50ms;
  at_work work{{{deaf}}};
  REQUIRE(work.comes([&] { return text_of(dir / "a.log") == "up\n"; }));
  work.cluster.stop();
  REQUIRE(work.comes([&] { return work.over; }));
  CHECK(work.has_said("killed"));
}

TEST_CASE("a signal that is passed on reaches every child", "[supervisor]") {
  const scratch dir;
  const auto counts = [&](const char* name) {
    return spec(dir, name, {"sh", "-c", "trap 'echo again' HUP; echo begun; while :; do sleep 0.01; done"});
  };
  at_work work{{{counts("a")}, {counts("b")}}};
  const auto says = [&](const std::string& text) {
    return work.comes([&] { return text_of(dir / "a.log") == text && text_of(dir / "b.log") == text; });
  };
  REQUIRE(work.comes([&] { return work.ready; }));
  REQUIRE(says("begun\n"));
  work.cluster.pass_on(SIGHUP);
  CHECK(says("begun\nagain\n"));
  work.cluster.stop();
  CHECK(work.comes([&] { return work.over; }));
}

TEST_CASE("whoever asks twice does not wait for the orderly end", "[supervisor]") {
  const scratch dir;
  auto deaf = spec(dir, "a", {"sh", "-c", "trap '' TERM; echo up; while :; do sleep 600; done"});
  deaf.stop_within = 600s;
  at_work work{{{deaf}}};
  REQUIRE(work.comes([&] { return text_of(dir / "a.log") == "up\n"; }));
  work.cluster.stop();
  work.cluster.stop();
  CHECK(work.comes([&] { return work.over; }));
}

TEST_CASE("a start fails with the last words of a child that ends before it is ready", "[supervisor]") {
  const scratch dir;
  std::ofstream(dir / "b.log") << "words of an earlier run\n";
  auto broken = spec(dir, "b", {"sh", "-c", "echo config.toml:3: no such key; exit 4"});
  broken.ready = {ready_check::kind::listens, 1, {}};
  at_work work{{{sleeper(dir, "a")}, {broken}, {sleeper(dir, "never")}}};
  REQUIRE(work.comes([&] { return work.over; }));
  CHECK(work.failure.find("ended with status 4 before it was ready: config.toml:3: no such key") != std::string::npos);
  CHECK_FALSE(work.ready);
  CHECK(work.cluster.pid_of("a") == -1);
  CHECK_FALSE(fs::exists(dir / "never.log"));
}

TEST_CASE("a start fails when a child does not become ready in time, with the reason", "[supervisor]") {
  const scratch dir;
  auto settings = quick();
  settings.ready_within = 50ms;
  auto silent = sleeper(dir, "a");
  silent.ready = {ready_check::kind::http, 1, "/readyz"};
  at_work work{{{silent}}, settings};
  REQUIRE(work.comes([&] { return work.over; }));
  CHECK(work.failure.find("is not ready after 0 s: port 1: Connection refused") != std::string::npos);
}

TEST_CASE("a program that does not exist is told by name", "[supervisor]") {
  const scratch dir;
  at_work work{{{spec(dir, "a", {"no-such-program"})}}};
  REQUIRE(work.comes([&] { return work.over; }));
  CHECK(work.failure.find("a: cannot run no-such-program: No such file or directory") != std::string::npos);
}

TEST_CASE("children die with the process that started them", "[supervisor]") {
  const scratch dir;
  const orphans_are_ours adoption;
  const pid_t parent = fork();
  REQUIRE(parent >= 0);
  if (parent == 0) {
    const auto child = starling::cli::launch({"sh", "-c", "echo $$; exec sleep 600"}, dir / "a.log", SIGKILL);
    while (child.error.empty())
      pause();
    _exit(1);
  }
  at_work nothing{{}};
  const auto child = nothing.pid_in(dir / "a.log");
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  int status = 0;
  REQUIRE(nothing.comes([&] { return waitpid(child, &status, WNOHANG) == child; }));
  CHECK(starling::cli::describe_end(status) == "was killed by signal 9");
}

TEST_CASE("what a child has started ends with it", "[supervisor]") {
  const scratch dir;
  const orphans_are_ours adoption;
  at_work work{{{spec(dir, "a", {"sh", "-c", "sleep 600 & echo $!; wait"})}}};
  const auto grandchild = work.pid_in(dir / "a.log");
  kill(work.cluster.pid_of("a"), SIGKILL);
  CHECK(work.comes([&] { return waitpid(grandchild, nullptr, WNOHANG) == grandchild; }));
  work.cluster.stop();
  CHECK(work.comes([&] { return work.over; }));
}
