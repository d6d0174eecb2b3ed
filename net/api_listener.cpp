#include "net/api_listener.hpp"

#include <algorithm>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include "chat/address.hpp"
#include "net/api_services.hpp"

namespace starling::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t connections_max = 64;
// Without descriptors or memory nothing is gained by trying at once.
constexpr std::chrono::milliseconds accept_pause{100};

class api_metrics final : public prometheus::Collectable {
public:
  explicit api_metrics(std::shared_ptr<const api_services> what) : what_(std::move(what)) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    using prometheus::MetricType;
    prometheus::MetricFamily answers{
        "starling_api_requests_total", "Requests of the server API, by status.", MetricType::Counter, {}};
    for (std::size_t i = 0; i < what_->answers.size(); ++i) {
      auto& metric = answers.metric.emplace_back();
      metric.counter.value = static_cast<double>(what_->answers[i].load());
      auto is_listed = i < api_services::statuses.size();
      metric.label.push_back({"status", is_listed ? std::to_string(api_services::statuses[i]) : "other"});
    }
    prometheus::MetricFamily lost{"starling_api_requests_unanswered_total",
                                  "Requests of the server API whose client went, or was too slow.",
                                  MetricType::Counter,
                                  {{}}};
    lost.metric.front().counter.value = static_cast<double>(what_->unanswered.load());
    prometheus::MetricFamily failed{"starling_api_accept_errors_total",
                                    "Connections to the server API that could not be taken, mostly for want of files.",
                                    MetricType::Counter,
                                    {{}}};
    failed.metric.front().counter.value = static_cast<double>(what_->accept_errors.load());
    prometheus::MetricFamily open{
        "starling_api_connections", "Connections to the server API that are open now.", MetricType::Gauge, {{}}};
    open.metric.front().gauge.value = static_cast<double>(what_->open.load());
    return {std::move(answers), std::move(lost), std::move(failed), std::move(open)};
  }

private:
  std::shared_ptr<const api_services> what_;
};

} // namespace

void api_services::count(int status) {
  auto found = std::find(statuses.begin(), statuses.end(), status);
  ++answers[static_cast<std::size_t>(found - statuses.begin())];
}

/// What accepts; it lives as long as a handler of it is under way.
struct api_listener::acceptor : std::enable_shared_from_this<api_listener::acceptor> {
  acceptor(asio::io_context& pool, std::shared_ptr<api_services> with)
      : threads(pool), one_by_one(asio::make_strand(pool.get_executor())), socket(one_by_one), pause(one_by_one),
        uses(std::move(with)) {}

  std::string bind(const std::string& where);
  void accept();
  void accepted(error_code why, api_socket client);
  void stop();

  asio::io_context& threads;
  api_strand one_by_one;
  asio::basic_socket_acceptor<tcp, api_strand> socket;
  asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, api_strand> pause;
  std::shared_ptr<api_services> uses;
  bool accepting = false; // on the strand, as all below but `stop`
  std::atomic<bool> stopped = false;
  std::uint16_t bound_port = 0;
};

std::string api_listener::acceptor::bind(const std::string& where) {
  auto place = parse_host_port(where);
  if (!place) return "api.listen: expected host:port, found " + where;
  error_code why;
  auto found = tcp::resolver{threads}.resolve(place->host, std::to_string(place->port), tcp::resolver::passive, why);
  if (why || found.empty()) return "api.listen: cannot find " + where + ": " + why.message();
  auto endpoint = found.begin()->endpoint();
  socket.open(endpoint.protocol(), why);
  if (!why) socket.set_option(tcp::acceptor::reuse_address(true), why);
  if (!why) socket.bind(endpoint, why);
  if (!why) socket.listen(asio::socket_base::max_listen_connections, why);
  if (why) return "api.listen: cannot listen on " + where + ": " + why.message();
  bound_port = socket.local_endpoint(why).port();
  uses->place_free = [weak = weak_from_this()] {
    if (auto self = weak.lock(); self && !self->stopped) asio::post(self->one_by_one, [self] { self->accept(); });
  };
  asio::post(one_by_one, [self = shared_from_this()] { self->accept(); });
  return {};
}

void api_listener::acceptor::accept() {
  if (stopped || accepting || uses->open >= connections_max) return;
  accepting = true;
  socket.async_accept(asio::make_strand(threads.get_executor()),
                      [self = shared_from_this()](error_code why, auto client) {
                        self->accepting = false;
                        self->accepted(why, std::move(client));
                      });
}

void api_listener::acceptor::accepted(error_code why, api_socket client) {
  if (stopped || why == asio::error::operation_aborted) return;
  if (!why) {
    ++uses->open;
    start_api_connection(uses, std::move(client));
  }
  if (!why || why == asio::error::connection_aborted) return accept();
  ++uses->accept_errors;
  pause.expires_after(accept_pause);
  pause.async_wait([self = shared_from_this()](error_code) { self->accept(); });
}

void api_listener::acceptor::stop() {
  if (stopped.exchange(true)) return;
  uses->stop();
  asio::post(one_by_one, [self = shared_from_this()] {
    error_code ignored;
    self->socket.close(ignored);
    self->pause.cancel();
  });
}

api_listener::api_listener(asio::io_context& threads, std::string key, api_carrier carrier, const limits& bounds)
    : services_(std::make_shared<api_services>(std::move(key), std::move(carrier), bounds)),
      acceptor_(std::make_shared<acceptor>(threads, services_)) {}

api_listener::~api_listener() { stop(); }

std::string api_listener::start(const std::string& where) { return acceptor_->bind(where); }

std::uint16_t api_listener::port() const { return acceptor_->bound_port; }

void api_listener::stop() { acceptor_->stop(); }

std::shared_ptr<prometheus::Collectable> api_listener::metrics() const {
  return std::make_shared<api_metrics>(services_);
}

} // namespace starling::net
