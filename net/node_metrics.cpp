#include "net/node_metrics.hpp"

#include <map>
#include <string>

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include "actors/counters.hpp"
#include "actors/directory.hpp"

namespace starling::net {
namespace {

struct kind_totals {
  double count = 0, handled = 0, waiting = 0, busy_s = 0;
};

class actors_collectable : public prometheus::Collectable {
public:
  std::vector<prometheus::MetricFamily> Collect() const override {
    std::map<std::string, kind_totals> kinds;
    auto& directory = actor_directory::instance();
    directory.for_each([&](const actor_record& actor) {
      auto& totals = kinds[actor.kind];
      totals.count += 1;
      totals.handled += static_cast<double>(actor.handled.load());
      totals.waiting += static_cast<double>(actor.waiting());
      totals.busy_s += static_cast<double>(actor.busy_ns.load()) * 1e-9;
    });
    auto family = [&](const char* name, const char* help, double kind_totals::*value) {
      prometheus::MetricFamily result{name, help, prometheus::MetricType::Gauge, {}};
      for (auto& [kind, totals] : kinds) {
        prometheus::ClientMetric metric;
        metric.label.push_back({"kind", kind});
        metric.gauge.value = totals.*value;
        result.metric.push_back(std::move(metric));
      }
      return result;
    };
    auto total = [](const char* name, const char* help, std::uint64_t value) {
      prometheus::MetricFamily result{name, help, prometheus::MetricType::Counter, {{}}};
      result.metric.front().counter.value = static_cast<double>(value);
      return result;
    };
    auto& counted = actor_counters::instance();
    return {
        family("starling_actors", "Actors that live now.", &kind_totals::count),
        family("starling_actor_messages_handled", "Messages handled by the actors that live now.",
               &kind_totals::handled),
        family("starling_actor_messages_waiting", "Messages in mailboxes.", &kind_totals::waiting),
        family("starling_actor_busy_seconds", "Time in handlers of the actors that live now.", &kind_totals::busy_s),
        total("starling_actor_restarts_total", "Actors that failed and were started again.", directory.restarts()),
        total("starling_log_reads_total", "Times that a room read in its log what it had missed.", counted.log_reads),
        total("starling_log_reads_failed_total", "Those that failed and were repeated.", counted.log_reads_failed),
        total("starling_gaps_told_total", "Times that a room told its members by room.gap.", counted.gaps_told),
        total("starling_rooms_restored_total", "Times that a room told a shard what it had lost.",
              counted.rooms_restored),
        total("starling_early_news_dropped_total",
              "Publications beyond what a room keeps while it reads where its log ends; it reads them later.",
              counted.early_news_dropped),
        total("starling_publications_in_vain_total",
              "Publications that came, of starling_redis_publications_total, of channels that nobody here reads.",
              counted.publications_in_vain),
        total("starling_cluster_strangers_total",
              "Connections to the port between processes that were not let in: no certificate, or another protocol.",
              counted.strangers)};
  }
};

} // namespace

std::shared_ptr<prometheus::Collectable> collect_actors() { return std::make_shared<actors_collectable>(); }

} // namespace starling::net
