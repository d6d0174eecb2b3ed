#include "cli/bench_run.hpp"

#include <iomanip>
#include <sstream>

#include "cli/bench_load.hpp"

namespace starling::cli {

using std::chrono::nanoseconds;

namespace {

/// One run: its fleet, and what all scenarios do alike.
class run {
public:
  run(const bench_options& options, std::vector<endpoint> endpoints, fleet::target target,
      const std::vector<pid_t>& server_pids, const std::function<void(const std::string&)>& tell)
      : options_(options), server_pids_(server_pids), tell_(tell), fleet_(options, std::move(endpoints), target) {
    result_.to_floor = target == fleet::target::floor;
  }

  run_result operator()() {
    mark(result_.before);
    load messages(options_, fleet_, result_);
    fleet_.open_all([&] { progress("connecting"); });
    mark(result_.opened);
    result_.clients = fleet_.ready();
    if (fleet_.ready() > 0) {
      switch (options_.what) {
      case scenario::fanout:
      case scenario::pairs:
        messages.prepare();
        messages.run([&](usage_mark& at) { mark(at); }, [&] { progress("load"); });
        messages.settle([&] { progress("settling"); });
        break;
      case scenario::idle:
        rest(options_.warmup);
        mark(result_.from);
        rest(options_.seconds);
        mark(result_.until);
        break;
      case scenario::connect:
        break;
      }
    }
    result_.opened_in = fleet_.opened_in;
    result_.ended = fleet_.ended;
    result_.pings = fleet_.pings;
    return std::move(result_);
  }

private:
  void mark(usage_mark& at) {
    auto of = [](const std::vector<pid_t>& pids) { return pids.empty() ? std::nullopt : usage_of(pids); };
    at = usage_mark{of(server_pids_), of(result_.to_floor ? std::vector<pid_t>{} : options_.redis_pids), own_cpu(),
                    fleet_.now()};
  }

  void rest(std::chrono::duration<double> time) {
    auto until = fleet_.now() + std::chrono::duration_cast<nanoseconds>(time);
    while (fleet_.now() < until) {
      fleet_.turn(std::min<nanoseconds>(until - fleet_.now(), std::chrono::milliseconds(200)));
      progress("idle");
    }
  }

  // A line a second, not more.
  void progress(const char* phase) {
    auto now = fleet_.now();
    if (now < told_at_ + std::chrono::seconds(1)) return;
    auto seconds = std::chrono::duration<double>(now - told_at_).count();
    std::ostringstream line;
    line << std::fixed << std::setprecision(0) << (result_.to_floor ? "floor, " : "") << phase << ": " << fleet_.ready()
         << " clients";
    if (result_.sent > 0) {
      line << ", " << result_.sent << " sent, " << result_.acknowledged << " acknowledged, "
           << static_cast<double>(result_.delivered - told_delivered_) / seconds << " deliveries/s";
      if (result_.latency.count() > 0)
        line << ", p99 " << std::setprecision(1)
             << std::chrono::duration<double, std::milli>(result_.latency.percentile(0.99)).count() << " ms";
    }
    std::uint64_t ended = 0;
    for (const auto& [why, count] : fleet_.ended)
      ended += count;
    if (ended > 0) line << ", " << ended << " ended";
    tell_(line.str());
    told_at_ = now;
    told_delivered_ = result_.delivered;
  }

  const bench_options& options_;
  const std::vector<pid_t>& server_pids_;
  const std::function<void(const std::string&)>& tell_;
  fleet fleet_;
  run_result result_;
  nanoseconds told_at_{0};
  std::uint64_t told_delivered_ = 0;
};

} // namespace

run_result run_once(const bench_options& options, std::vector<endpoint> endpoints, fleet::target target,
                    const std::vector<pid_t>& server_pids, const std::function<void(const std::string&)>& tell) {
  return run(options, std::move(endpoints), target, server_pids, tell)();
}

} // namespace starling::cli
