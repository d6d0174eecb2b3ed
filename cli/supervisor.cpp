#include "cli/supervisor.hpp"

#include <sys/wait.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

#include "cli/child_process.hpp"

namespace starling::cli {

namespace asio = boost::asio;
using boost::system::error_code;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

struct supervisor::child {
  child(asio::io_context& io, child_spec s) : spec(std::move(s)), pause(io) {}

  bool alive() const { return pid > 0; }
  std::string called() const { return spec.name + " (pid " + std::to_string(last_pid) + ")"; }

  child_spec spec;
  asio::steady_timer pause; // runs between death and restart
  milliseconds backoff{0};
  clock::time_point started;
  pid_t pid = -1; // while it lives
  pid_t last_pid = -1;
  int wait_status = 0;
  bool ready = false;
  bool kept = true;    // `keep` is at work for it
  std::string failure; // of the first start
};

namespace {

std::string seconds(milliseconds time) {
  const auto tenths = time.count() / 100;
  auto text = std::to_string(tenths / 10);
  if (tenths % 10 != 0) text += "." + std::to_string(tenths % 10);
  return text + " s";
}

std::uintmax_t size_of(const std::filesystem::path& file) {
  std::error_code absent;
  const auto size = std::filesystem::file_size(file, absent);
  return absent ? 0 : size;
}

bool has_died(pid_t pid) {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

asio::awaitable<void> wait_for(asio::steady_timer& timer) {
  error_code cancelled; // is as good as expired: whoever waits looks at what there is
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
}

} // namespace

supervisor::supervisor(asio::io_context& io, supervisor_settings settings, sayer say)
    : settings_(settings), say_(std::move(say)), io_(io), child_signals_(io, SIGCHLD),
      changed_(io, clock::time_point::max()) {}

supervisor::~supervisor() {
  for (const auto& group : stages_)
    for (const auto& c : group)
      if (c->alive()) {
        kill(-c->pid, SIGKILL);
        waitpid(c->pid, nullptr, 0);
      }
}

asio::awaitable<std::string> supervisor::run(std::vector<stage> stages, std::function<void()> when_ready) {
  asio::co_spawn(io_, collect_the_dead(), asio::detached);
  std::string failure = co_await start(stages);
  if (failure.empty() && !stopping_) when_ready();
  while (failure.empty() && !stopping_)
    co_await something_changed();
  stopping_ = true;
  for (const auto& group : stages_)
    for (const auto& c : group)
      c->pause.cancel();
  for (auto group = stages_.rbegin(); group != stages_.rend(); ++group)
    co_await end(*group);
  child_signals_.cancel();
  co_return failure;
}

void supervisor::stop() {
  impatient_ = stopping_;
  stopping_ = true;
  changed();
}

void supervisor::pass_on(int signal) {
  for (const auto& group : stages_)
    for (const auto& c : group)
      if (c->alive() && c->ready) kill(c->pid, signal);
}

pid_t supervisor::pid_of(std::string_view name) const {
  for (const auto& group : stages_)
    for (const auto& c : group)
      if (c->spec.name == name) return c->pid;
  return -1;
}

asio::awaitable<std::string> supervisor::start(const std::vector<stage>& stages) {
  for (const auto& specs : stages) {
    auto& group = stages_.emplace_back();
    for (const auto& spec : specs) {
      auto& c = group.emplace_back(std::make_shared<child>(io_, spec));
      asio::co_spawn(io_, keep(c), asio::detached);
    }
    const auto is_ready = [](const auto& c) { return c->ready; };
    const auto has_failed = [](const auto& c) { return !c->failure.empty(); };
    while (!stopping_ && !std::ranges::all_of(group, is_ready)) {
      if (const auto c = std::ranges::find_if(group, has_failed); c != group.end()) co_return (*c)->failure;
      co_await something_changed();
    }
    if (stopping_) break;
  }
  co_return std::string{};
}

asio::awaitable<void> supervisor::end(const children& group) {
  auto patience = milliseconds{0};
  for (const auto& c : group) {
    patience = std::max(patience, c->spec.stop_within);
    if (c->alive()) kill(c->pid, SIGTERM);
  }
  const auto deadline = clock::now() + patience;
  asio::steady_timer limit{io_, deadline};
  limit.async_wait([this](error_code cancelled) {
    if (!cancelled) changed();
  });
  const auto is_kept = [](const auto& c) { return c->kept; };
  bool killed = false;
  while (std::ranges::any_of(group, is_kept)) {
    if (!killed && (impatient_ || clock::now() >= deadline)) {
      killed = true;
      for (const auto& c : group)
        if (c->alive()) {
          if (!impatient_) say_(c->called() + " has not ended within " + seconds(patience) + "; killed");
          kill(-c->pid, SIGKILL);
        }
    }
    co_await something_changed();
  }
}

// The life of a child, from its first start to its end on purpose.
asio::awaitable<void> supervisor::keep(std::shared_ptr<child> c) {
  bool first_time = true;
  while (!stopping_) {
    const auto log_start = size_of(c->spec.log_file);
    const auto result = launch(c->spec.argv, c->spec.log_file, c->spec.orphan_signal);
    c->started = clock::now();
    std::string what_happened = c->spec.name + ": " + result.error;
    if (result.error.empty()) {
      c->pid = c->last_pid = result.pid;
      changed();
      co_await become_ready(*c, first_time);
      while (c->alive() && c->failure.empty())
        co_await something_changed();
      if (!c->alive()) what_happened = c->called() + " " + describe_end(c->wait_status);
    }
    if (stopping_ || !c->failure.empty()) break;
    if (first_time && !c->ready) {
      const auto words = last_line(c->spec.log_file, log_start);
      c->failure = what_happened + (words.empty() ? " before it was ready" : " before it was ready: " + words);
      break;
    }
    first_time = false;
    c->ready = false;
    co_await pause_before_restart(*c, what_happened);
  }
  while (c->alive())
    co_await something_changed(); // `end` sees to that
  c->kept = false;
  changed();
}

asio::awaitable<void> supervisor::become_ready(child& c, bool first_time) {
  const auto deadline = clock::now() + settings_.ready_within;
  asio::steady_timer interval{io_};
  while (c.alive() && !stopping_) {
    const std::string reason = co_await check_ready(c.spec.ready, settings_.ready_attempt);
    if (!c.alive()) break; // another process may have answered on its port
    if (reason.empty()) {
      c.ready = true;
      if (!first_time) say_(c.called() + " is ready again");
      break;
    }
    if (first_time && clock::now() >= deadline) {
      c.failure = c.called() + " is not ready after " + seconds(settings_.ready_within) + ": " + reason;
      break;
    }
    interval.expires_after(settings_.ready_interval);
    co_await wait_for(interval);
  }
  changed();
}

asio::awaitable<void> supervisor::pause_before_restart(child& c, std::string what_happened) {
  const bool died_young = clock::now() - c.started < settings_.young;
  c.backoff = died_young && c.backoff > milliseconds{0} ? std::min(c.backoff * 2, settings_.backoff_max)
                                                        : settings_.backoff_min;
  say_(what_happened + "; starting again in " + seconds(c.backoff));
  c.pause.expires_after(c.backoff);
  co_await wait_for(c.pause);
}

asio::awaitable<void> supervisor::something_changed() { co_await wait_for(changed_); }

asio::awaitable<void> supervisor::collect_the_dead() {
  for (;;) {
    // One signal may stand for several deaths, and a death may come before the first wait: look, then wait.
    for (const auto& group : stages_)
      for (const auto& c : group)
        if (c->alive() && has_died(c->pid)) {
          // Its group has its number, which is nobody else's until it is waited for.
          kill(-c->pid, SIGKILL);
          waitpid(c->pid, &c->wait_status, 0);
          c->pid = -1;
          changed();
        }
    error_code cancelled;
    co_await child_signals_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    if (cancelled) co_return;
  }
}

} // namespace starling::cli
