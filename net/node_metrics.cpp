#include "net/node_metrics.hpp"

#include <map>
#include <string>

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

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
    prometheus::MetricFamily restarts{"starling_actor_restarts_total",
                                      "Actors that failed and were started again.",
                                      prometheus::MetricType::Counter,
                                      {{}}};
    restarts.metric.front().counter.value = static_cast<double>(directory.restarts());
    return {
        family("starling_actors", "Actors that live now.", &kind_totals::count),
        family("starling_actor_messages_handled", "Messages handled by the actors that live now.",
               &kind_totals::handled),
        family("starling_actor_messages_waiting", "Messages in mailboxes.", &kind_totals::waiting),
        family("starling_actor_busy_seconds", "Time in handlers of the actors that live now.", &kind_totals::busy_s),
        std::move(restarts)};
  }
};

} // namespace

std::shared_ptr<prometheus::Collectable> collect_actors() { return std::make_shared<actors_collectable>(); }

} // namespace starling::net
