#include "net/redis_metrics.hpp"

#include <utility>

#include <prometheus/metric_family.h>

#include "net/redis_link.hpp"

namespace starling::net {
namespace {

using prometheus::MetricType;

constexpr double seconds_per_us = 1e-6;

struct shown {
  const char* name;
  const char* help;
  MetricType type;
  redis_counters::number redis_counters::*value;
  double unit = 1; // what the metric counts in one of the counter's
};

constexpr shown all_shown[] = {
    {"starling_redis_calls_total", "Calls of scripts.", MetricType::Counter, &redis_counters::calls},
    {"starling_redis_calls_waiting", "Calls without an answer now.", MetricType::Gauge, &redis_counters::waiting},
    {"starling_redis_answers_total", "Calls that Redis answered.", MetricType::Counter, &redis_counters::answers},
    {"starling_redis_failures_total", "Calls without an answer: the shard was away, or was lost before it.",
     MetricType::Counter, &redis_counters::failures},
    {"starling_redis_refused_total", "Calls beyond redis.commands_waiting.", MetricType::Counter,
     &redis_counters::refused},
    {"starling_redis_timeouts_total", "Connections given up since an answer was overdue.", MetricType::Counter,
     &redis_counters::timeouts},
    {"starling_redis_reconnects_total", "Attempts to connect after the first.", MetricType::Counter,
     &redis_counters::reconnects},
    {"starling_redis_script_loads_total", "Times that Redis had forgotten the scripts.", MetricType::Counter,
     &redis_counters::script_loads},
    {"starling_redis_publications_total", "Publications that came.", MetricType::Counter,
     &redis_counters::publications},
    {"starling_redis_published_bytes_total", "Payloads of publications that came.", MetricType::Counter,
     &redis_counters::bytes_published},
    {"starling_redis_channels", "Channels subscribed now.", MetricType::Gauge, &redis_counters::channels},
    {"starling_redis_round_trip_seconds_max", "The longest round trip since the start.", MetricType::Gauge,
     &redis_counters::round_trip_us_max, seconds_per_us},
};

// Its _sum over its _count is the mean; of the differences between two looks, the mean of the time between them.
prometheus::MetricFamily round_trips(const redis_metrics::named_links& all) {
  prometheus::MetricFamily family{
      "starling_redis_round_trip_seconds", "From the write of a call to its answer.", MetricType::Summary, {}};
  for (auto& [shard, link] : all) {
    prometheus::ClientMetric metric;
    metric.label.push_back({"shard", shard});
    metric.summary.sample_count = link->counters().answers.load();
    metric.summary.sample_sum = static_cast<double>(link->counters().round_trip_us_sum.load()) * seconds_per_us;
    family.metric.push_back(std::move(metric));
  }
  return family;
}

} // namespace

std::shared_ptr<hiredis_link> redis_metrics::link_to(const std::string& shard) const {
  std::lock_guard lock(mutex_);
  auto found = links_.find(shard);
  return found == links_.end() ? nullptr : found->second.lock();
}

void redis_metrics::add(std::string shard, std::weak_ptr<hiredis_link> link) {
  std::lock_guard lock(mutex_);
  std::erase_if(links_, [](auto& entry) { return entry.second.expired(); });
  links_[std::move(shard)] = std::move(link);
}

redis_metrics::named_links redis_metrics::links() const {
  named_links result;
  std::lock_guard lock(mutex_);
  std::erase_if(links_, [](auto& entry) { return entry.second.expired(); });
  for (auto& [shard, link] : links_)
    if (auto alive = link.lock()) result.emplace_back(shard, std::move(alive));
  return result;
}

std::vector<prometheus::MetricFamily> redis_metrics::Collect() const {
  const auto all = links();
  std::vector<prometheus::MetricFamily> result;
  for (auto& what : all_shown) {
    prometheus::MetricFamily family{what.name, what.help, what.type, {}};
    for (auto& [shard, link] : all) {
      prometheus::ClientMetric metric;
      metric.label.push_back({"shard", shard});
      const auto value = static_cast<double>((link->counters().*what.value).load()) * what.unit;
      (what.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
      family.metric.push_back(std::move(metric));
    }
    result.push_back(std::move(family));
  }
  result.push_back(round_trips(all));
  return result;
}

} // namespace starling::net
