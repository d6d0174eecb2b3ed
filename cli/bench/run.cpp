#include "cli/bench/run.hpp"

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "cli/bench/load.hpp"
#include "cli/bench/storm.hpp"

namespace starling::cli {

using std::chrono::nanoseconds;

namespace {

constexpr auto look_every = std::chrono::milliseconds(100); // at the server's memory

/// One run: its fleet, and what all scenarios do alike.
class run {
public:
  run(const bench_options& options, std::vector<endpoint> endpoints, protocol spoken,
      const std::vector<pid_t>& server_pids, const teller& tell, const probes& others)
      : options_(options), dialect_(dialect_of(spoken)), plan_(plan_of(options, dialect_)), server_pids_(server_pids),
        tell_(tell), others_(others), fleet_(options, plan_, dialect_, std::move(endpoints)) {
    result_.spoken = spoken;
    result_.clients_wanted = plan_.clients.size();
  }

  run_result operator()() {
    mark(result_.before);
    if (options_.what == scenario::storm)
      drop_and_return();
    else if (options_.what == scenario::idle || options_.what == scenario::connect)
      rest();
    else
      talk();
    result_.ended = fleet_.ended;
    result_.pings = fleet_.pings;
    result_.put_off = fleet_.put_off;
    return std::move(result_);
  }

private:
  bool open() {
    fleet_.open_all([&] { on_turn("connecting"); });
    mark(result_.opened);
    result_.clients = fleet_.ready();
    result_.opened_in = fleet_.opened_in;
    return result_.clients > 0;
  }

  void talk() {
    load messages(options_, plan_, dialect_, fleet_, result_);
    if (!open()) return;
    messages.prepare();
    messages.run([&](usage_mark& at) { mark(at); }, [&] { on_turn("load"); });
    messages.settle([&] { on_turn("settling"); });
  }

  void drop_and_return() {
    storm all(options_, dialect_, fleet_, result_);
    if (!open()) return;
    all.prepare([&] { on_turn("settling"); });
    rest(options_.warmup);
    all.run([&](usage_mark& at) { mark(at); }, [&] { on_turn("storm"); });
    all.verify([&] { on_turn("asking"); });
  }

  void rest() {
    if (!open() || options_.what == scenario::connect) return;
    rest(options_.warmup);
    mark(result_.from);
    rest(options_.seconds);
    mark(result_.until);
  }

  void rest(std::chrono::duration<double> time) {
    auto until = fleet_.now() + std::chrono::duration_cast<nanoseconds>(time);
    while (fleet_.now() < until) {
      fleet_.turn(std::min<nanoseconds>(until - fleet_.now(), std::chrono::milliseconds(200)));
      on_turn("idle");
    }
  }

  static std::optional<process_usage> usage(const std::vector<pid_t>& pids) {
    return pids.empty() ? std::nullopt : usage_of(pids);
  }

  void mark(usage_mark& at) {
    bool to_floor = result_.spoken == protocol::floor;
    // These take a while, so first.
    if (others_.redis) at.redis_calls = others_.redis->look();
    if (others_.metrics) at.publications = others_.metrics->look();
    at.server = usage(server_pids_);
    at.redis = to_floor ? std::nullopt : usage(options_.redis_pids);
    at.own = own_cpu();
    at.behind = fleet_.behind;
    at.late = fleet_.late;
    at.at = fleet_.now();
    if (at.server) result_.server_rss_peak = std::max(result_.server_rss_peak, at.server->rss_bytes);
  }

  void on_turn(const char* phase) {
    auto now = fleet_.now();
    if (now >= looked_at_ + look_every) {
      if (auto server = usage(server_pids_))
        result_.server_rss_peak = std::max(result_.server_rss_peak, server->rss_bytes);
      looked_at_ = now;
    }
    if (now >= told_at_ + std::chrono::seconds(1)) tell(phase, now);
  }

  void tell(const char* phase, nanoseconds now) {
    auto seconds = std::chrono::duration<double>(now - told_at_).count();
    std::ostringstream line;
    line << std::fixed << std::setprecision(0) << (result_.spoken == protocol::floor ? "floor, " : "") << phase << ": "
         << fleet_.ready() << " clients";
    if (result_.sent > 0)
      line << ", " << result_.sent << " sent, " << result_.acknowledged << " acknowledged, "
           << static_cast<double>(result_.delivered - told_delivered_) / seconds << " deliveries/s";
    for (const auto& each : result_.streams)
      if (each.latency.count() > 0)
        line << ", " << each.name << (each.name.empty() ? "" : " ") << "p99 " << std::setprecision(1)
             << std::chrono::duration<double, std::milli>(each.latency.percentile(0.99)).count() << " ms";
    std::uint64_t ended = 0;
    for (const auto& [why, count] : fleet_.ended)
      ended += count;
    if (ended > 0) line << ", " << ended << " ended";
    tell_(line.str());
    told_at_ = now;
    told_delivered_ = result_.delivered;
  }

  const bench_options& options_;
  const dialect& dialect_;
  const plan plan_;
  const std::vector<pid_t>& server_pids_;
  const teller& tell_;
  const probes others_;
  fleet fleet_;
  run_result result_;
  nanoseconds looked_at_{0}, told_at_{0};
  std::uint64_t told_delivered_ = 0;
};

} // namespace

run_result run_once(const bench_options& options, std::vector<endpoint> endpoints, protocol spoken,
                    const std::vector<pid_t>& server_pids, const teller& tell, const probes& others) {
  return run(options, std::move(endpoints), spoken, server_pids, tell, others)();
}

} // namespace starling::cli
