#include <algorithm>
#include <map>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/console/commands.hpp"
#include "cli/console/table.hpp"
#include "net/latency_histogram.hpp"

namespace starling::cli {
namespace {

using nlohmann::json;

/// What has happened between two answers of one node about one shard; since the start where there is but one.
json window_of(const json& before, const json& now, double seconds) {
  json result{{"seconds", seconds}};
  for (const auto* name : {"calls", "publications", "published_bytes"})
    result[name + std::string("_per_s")] =
        std::max(0.0, now.value(name, 0.0) - before.value(name, 0.0)) / std::max(seconds, 1e-6);
  auto trips = now.value("round_trips", std::vector<std::uint64_t>());
  auto old = before.value("round_trips", std::vector<std::uint64_t>());
  for (std::size_t i = 0; i < std::min(trips.size(), old.size()); ++i)
    trips[i] -= std::min(trips[i], old[i]); // a link that was made anew has begun again
  result["p50_us"] = net::quantile_us(trips, 0.5);
  result["p99_us"] = net::quantile_us(trips, 0.99);
  return result;
}

json find_shard(const json& answer, const std::string& name) {
  if (answer.is_object() && answer.contains("shards"))
    for (auto& shard : answer["shards"])
      if (shard["name"] == name) return shard;
  return json::object();
}

/// Puts into each shard of each answer what has happened since the answer before.
void add_windows(std::vector<process_answer>& now, const std::vector<process_answer>& before) {
  for (auto& one : now) {
    if (!one.error.empty()) continue;
    auto old = std::find_if(before.begin(), before.end(), [&](auto& b) { return b.from.name == one.from.name; });
    const bool has_old = old != before.end() && old->error.empty();
    auto seconds = has_old ? (one.result.value("at_us", 0.0) - old->result.value("at_us", 0.0)) / 1e6 : 0.0;
    for (auto& shard : one.result["shards"])
      if (shard.contains("calls") && has_old)
        shard["window"] = window_of(find_shard(old->result, shard["name"]), shard, seconds);
  }
}

/// One shard, as all nodes see it together.
struct shard_sum {
  std::string address, slots, fair;
  std::size_t nodes = 0, up = 0;
  double calls = 0, publications = 0, bytes = 0;
  std::uint64_t waiting = 0, subscriptions = 0;
  json redis; // as one that could ask it says
};

std::map<std::string, shard_sum> sums_of(const std::vector<process_answer>& answers) {
  std::map<std::string, shard_sum> result;
  for (auto& one : answers) {
    if (!one.error.empty()) continue;
    for (auto& shard : one.result["shards"]) {
      auto& sum = result[cell(shard, "name")];
      sum.address = cell(shard, "address");
      sum.slots = cell(shard, "slots");
      sum.fair = fmt::format("{:.1f}", shard.value("fair", 0.0));
      ++sum.nodes;
      sum.up += shard["state"] == "up" ? 1 : 0;
      auto window = shard.value("window", json::object());
      sum.calls += window.value("calls_per_s", 0.0);
      sum.publications += window.value("publications_per_s", 0.0);
      sum.bytes += window.value("published_bytes_per_s", 0.0);
      sum.waiting += shard.value("waiting", std::uint64_t{0});
      sum.subscriptions += shard.value("subscriptions", std::uint64_t{0});
      auto redis = shard.value("redis", json::object());
      if (sum.redis.is_null() || sum.redis.contains("error")) sum.redis = redis;
    }
  }
  return result;
}

std::string rate(double value) { return fmt::format("{:.1f}", value); }
std::string rate_in(const json& window, const char* name, double unit = 1) {
  return window.contains(name) ? rate(window.value(name, 0.0) / unit) : std::string();
}
std::string milliseconds_in(const json& window, const char* name) {
  auto us = window.value(name, 0.0);
  return us > 0 ? fmt::format("{:.2f}", us / 1000) : std::string();
}

table by_shard(const std::map<std::string, shard_sum>& sums) {
  table all({"shard", "address", "slots", "fair", "up on", "calls/s", "news/s", "KiB/s", "waiting", "channels",
             "Redis MiB", "clients"});
  for (auto& [name, sum] : sums) {
    auto memory = sum.redis.is_object() ? sum.redis.value("memory_bytes", 0.0) : 0.0;
    all.add({name,
             sum.address,
             sum.slots,
             sum.fair,
             {fmt::format("{} of {}", sum.up, sum.nodes), sum.up == sum.nodes ? tone::good : tone::bad},
             rate(sum.calls),
             rate(sum.publications),
             rate(sum.bytes / 1024),
             std::to_string(sum.waiting),
             std::to_string(sum.subscriptions),
             memory > 0 ? fmt::format("{:.1f}", memory / (1024 * 1024)) : std::string(),
             cell(sum.redis.is_object() ? sum.redis : json::object(), "clients")});
  }
  return all;
}

void add_row(table& to, const std::string& node, const json& shard) {
  auto state = cell(shard, "state");
  auto window = shard.value("window", json::object());
  auto& trips = shard.contains("window") ? window : shard;
  to.add({cell(shard, "name"),
          node,
          {state, state == "up" ? tone::good : tone::bad},
          milliseconds_in(trips, "p50_us"),
          milliseconds_in(trips, "p99_us"),
          cell(shard, "waiting"),
          cell(shard, "subscriptions"),
          rate_in(window, "calls_per_s"),
          rate_in(window, "publications_per_s"),
          rate_in(window, "published_bytes_per_s", 1024),
          cell(shard, "reconnects"),
          cell(shard, "timeouts"),
          cell(shard, "refused")});
  if (auto reason = cell(shard, "reason"); !reason.empty()) to.add_note(paint(tone::bad, reason));
}

console_report shards(console_cluster& cluster, double window_seconds) {
  std::vector<process_answer> before;
  if (window_seconds > 0) {
    before = cluster.ask("shards", json::object(), "node");
    std::this_thread::sleep_for(std::chrono::duration<double>(window_seconds));
  }
  auto answers = cluster.ask("shards", json::object(), "node");
  add_windows(answers, before);
  auto sums = sums_of(answers);
  table by_node({"shard", "node", "state", "p50 ms", "p99 ms", "waiting", "channels", "calls/s", "news/s", "KiB/s",
                 "reconnects", "timeouts", "refused"});
  for (auto& [name, sum] : sums)
    for (auto& one : answers)
      if (auto shard = find_shard(one.result, name); !shard.empty()) add_row(by_node, one.from.name, shard);
  auto report = report_of(by_node, answers);
  report.text = by_shard(sums).text() + "\n" + report.text;
  return report;
}

} // namespace

void add_shards(CLI::App& console, const console_request_ptr& request) {
  auto* command = console.add_subcommand("shards", "The Redis instances, and each node's link to each");
  auto window = std::make_shared<double>(1);
  command->add_option("--window", *window, "Seconds to measure what happens a second; 0: only what there is now")
      ->check(CLI::Range(0.0, 60.0));
  command->footer("Example:\n  shards --window 5");
  command->callback(
      [request, window] { request->report = [window](console_cluster& all) { return shards(all, *window); }; });
}

} // namespace starling::cli
