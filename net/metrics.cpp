#include "net/metrics.hpp"

#include <algorithm>
#include <utility>

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace starling::net {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

double read(const counter& which) { return static_cast<double>(which.load(std::memory_order_relaxed)); }

MetricFamily family(std::string name, std::string help, MetricType type) {
  return {std::move(name), std::move(help), type, {}};
}

ClientMetric counted(double value, std::vector<ClientMetric::Label> labels = {}) {
  ClientMetric result;
  result.counter.value = value;
  result.label = std::move(labels);
  return result;
}

MetricFamily single(std::string name, std::string help, const counter& value) {
  auto result = family(std::move(name), std::move(help), MetricType::Counter);
  result.metric.push_back(counted(read(value)));
  return result;
}

template <std::size_t N>
MetricFamily labelled(std::string name, std::string help, const std::string& label,
                      const std::array<counter, N>& values, const std::array<const char*, N>& names) {
  auto result = family(std::move(name), std::move(help), MetricType::Counter);
  for (std::size_t i = 0; i < N; ++i)
    result.metric.push_back(counted(read(values[i]), {{label, names[i]}}));
  return result;
}

MetricFamily gauge(std::string name, std::string help) {
  return family(std::move(name), std::move(help), MetricType::Gauge);
}

ClientMetric measured(std::size_t value, std::vector<ClientMetric::Label> labels = {}) {
  ClientMetric result;
  result.gauge.value = static_cast<double>(value);
  result.label = std::move(labels);
  return result;
}

class traffic_source final : public prometheus::Collectable {
public:
  traffic_source(std::shared_ptr<const traffic> what, std::function<traffic_gauges()> gauges)
      : what_(std::move(what)), gauges_(std::move(gauges)) {}

  std::vector<MetricFamily> Collect() const override {
    const auto& t = *what_;
    std::vector<MetricFamily> result{
        single("starling_connections_accepted_total", "TCP connections accepted.", t.accepted),
        labelled("starling_connections_refused_total", "Connections and upgrades not served.", "reason", t.refused,
                 refusal_names),
        labelled("starling_session_opens_total", "Attempts to open or renew a session.", "result", t.opens,
                 open_result_names),
        single("starling_frames_received_total", "WebSocket messages from clients.", t.frames_in),
        single("starling_frames_accepted_total", "Frames offered to clients' outboxes; each is sent, dropped or waits.",
               t.frames_accepted),
        single("starling_frames_sent_total", "WebSocket frames to clients.", t.frames_out),
        single("starling_received_bytes_total", "Payload bytes of WebSocket messages from clients.", t.bytes_in),
        single("starling_sent_bytes_total", "Bytes of WebSocket frames to clients.", t.bytes_out),
        single("starling_sends_total", "System calls that wrote frames.", t.sends),
        labelled("starling_frames_dropped_total", "Frames that did not reach their client.", "reason", t.drops,
                 drop_reason_names),
        single("starling_pings_sent_total", "Pings to silent clients.", t.pings),
        single("starling_requests_refused_total", "Requests answered with an error before any session saw them.",
               t.requests_refused),
        single("starling_console_pages_refused_total", "Pages of the console that were not let in.",
               t.consoles_refused),
        single("starling_console_asks_total", "Questions of the console's pages.", t.console_asks),
        single("starling_console_rests_total", "Questions of the console's pages that waited, as there were too many.",
               t.console_rests),
        closes(t),
        http(t),
    };
    auto now = gauges_();
    auto& connections = result.emplace_back(gauge("starling_connections", "Connections that are open now."));
    connections.metric.push_back(measured(now.http_connections, {{"kind", "http"}}));
    connections.metric.push_back(measured(now.websocket_connections, {{"kind", "websocket"}}));
    result.emplace_back(gauge("starling_console_pages", "Pages of the console that are open now."))
        .metric.push_back(measured(t.consoles_open));
    result.emplace_back(gauge("starling_outbox_bytes", "Bytes that wait in the outboxes of all connections."))
        .metric.push_back(measured(now.outbox_bytes));
    result.emplace_back(gauge("starling_outbox_frames", "Frames that wait in the outboxes of all connections."))
        .metric.push_back(measured(now.outbox_frames));
    return result;
  }

private:
  static MetricFamily closes(const traffic& t) {
    auto result = family("starling_closes_total", "WebSockets that ended, by close code.", MetricType::Counter);
    for (std::size_t i = 0; i < t.closes.size(); ++i) {
      auto listed = i < t.close_codes.size();
      auto name = !listed ? "other" : t.close_codes[i] == 0 ? "none" : std::to_string(t.close_codes[i]);
      result.metric.push_back(counted(read(t.closes[i]), {{"code", name}}));
    }
    return result;
  }

  static MetricFamily http(const traffic& t) {
    auto result = family("starling_http_answers_total", "HTTP answers, by class of status.", MetricType::Counter);
    for (std::size_t i = 1; i < t.http_answers.size(); ++i) {
      result.metric.push_back(counted(read(t.http_answers[i]), {{"status", std::to_string(i) + "xx"}}));
    }
    return result;
  }

  std::shared_ptr<const traffic> what_;
  std::function<traffic_gauges()> gauges_;
};

} // namespace

void traffic::closed(std::uint16_t code) {
  auto found = std::find(close_codes.begin(), close_codes.end(), code);
  add(closes[static_cast<std::size_t>(found - close_codes.begin())]);
}

void metrics_page::add(std::shared_ptr<prometheus::Collectable> what) {
  std::lock_guard guard{mutex_};
  sources_.push_back(std::move(what));
}

std::string metrics_page::text() const {
  std::vector<std::shared_ptr<prometheus::Collectable>> sources;
  {
    std::lock_guard guard{mutex_};
    sources = sources_;
  }
  std::vector<MetricFamily> families;
  for (auto& source : sources) {
    auto some = source->Collect();
    families.insert(families.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
  }
  return prometheus::TextSerializer{}.prometheus::Serializer::Serialize(families);
}

std::shared_ptr<prometheus::Collectable> collect(std::shared_ptr<const traffic> what,
                                                 std::function<traffic_gauges()> gauges) {
  return std::make_shared<traffic_source>(std::move(what), std::move(gauges));
}

} // namespace starling::net
