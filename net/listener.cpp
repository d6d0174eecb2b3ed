#include "net/listener.hpp"

#include <array>
#include <atomic>
#include <random>
#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "actors/log.hpp"
#include "net/connection.hpp"
#include "net/refusal.hpp"
#include "net/services.hpp"

namespace starling::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::steady_clock;

namespace {

// How exact deadlines are.
constexpr milliseconds tick{100};
// Without descriptors or memory nothing is gained by trying at once.
constexpr milliseconds accept_pause{100};

/// Splits "host:port", "[v6]:port".
bool split(const std::string& where, std::string& host, std::string& port) {
  auto colon = where.rfind(':');
  if (colon == std::string::npos || colon + 1 == where.size()) return false;
  host = where.substr(0, colon);
  port = where.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return !host.empty() && port.find_first_not_of("0123456789") == std::string::npos;
}

} // namespace

/// What accepts and keeps time; it lives as long as a handler of it is under way.
struct listener::acceptor : std::enable_shared_from_this<listener::acceptor> {
  acceptor(asio::io_context& pool, std::shared_ptr<services> with)
      : threads(pool), one_by_one(asio::make_strand(pool.get_executor())), socket(one_by_one), pause(one_by_one),
        clock(one_by_one), uses(std::move(with)) {}

  std::string bind(const std::string& where);
  void accept();
  void admit(tcp_socket client);
  void turn_away(tcp_socket client, refusal why);
  void refused(error_code why);
  void turn();
  void stop();

  asio::io_context& threads;
  strand one_by_one;
  asio::basic_socket_acceptor<tcp, strand> socket;
  asio::basic_waitable_timer<steady_clock, asio::wait_traits<steady_clock>, strand> pause, clock;
  std::shared_ptr<services> uses;
  refusals turned_away;
  std::atomic<bool> stopped = false;
  bool refusing = false; // for want of descriptors or memory; belongs to `one_by_one`
  std::uint16_t bound_port = 0;
};

std::string listener::acceptor::bind(const std::string& where) {
  std::string host;
  std::string port;
  if (!split(where, host, port)) return "\"" + where + "\" is not an address: expected host:port";
  error_code why;
  auto found = tcp::resolver{threads}.resolve(host, port, tcp::resolver::passive, why);
  if (why || found.empty()) return "cannot find " + where + ": " + why.message();
  auto endpoint = found.begin()->endpoint();
  socket.open(endpoint.protocol(), why);
  if (!why) socket.set_option(tcp::acceptor::reuse_address(true), why);
  if (!why) socket.bind(endpoint, why);
  if (!why) socket.listen(asio::socket_base::max_listen_connections, why);
  if (why) return "cannot listen on " + where + ": " + why.message();
  bound_port = socket.local_endpoint(why).port();
  asio::post(one_by_one, [self = shared_from_this()] {
    self->accept();
    self->turn();
  });
  return {};
}

void listener::acceptor::accept() {
  if (stopped) return;
  socket.async_accept(asio::make_strand(threads.get_executor()),
                      [self = shared_from_this()](error_code why, auto client) {
                        if (self->stopped || why == asio::error::operation_aborted) return;
                        if (!why) {
                          self->admit(std::move(client));
                          return self->accept();
                        }
                        if (why == asio::error::connection_aborted)
                          return self->accept(); // the client went before we took it
                        self->refused(why);
                      });
}

/// Whoever knocks waits with the kernel until we can take somebody again.
void listener::acceptor::refused(error_code why) {
  add(uses->counts->refused[static_cast<std::size_t>(refusal::accept_error)]);
  if (!std::exchange(refusing, true))
    log::error("listener.cannot_accept", "reason=\"{}\" connections={}", why.message(), uses->places.size());
  pause.expires_after(accept_pause);
  pause.async_wait([self = shared_from_this()](error_code) { self->accept(); });
}

void listener::acceptor::admit(tcp_socket client) {
  add(uses->counts->accepted);
  if (std::exchange(refusing, false)) log::info("listener.accepts_again", "connections={}", uses->places.size());
  error_code ignored; // a socket that is gone already will say so when it is read
  client.set_option(tcp::no_delay(true), ignored);
  auto place = uses->door.admit(client.remote_endpoint(ignored).address());
  if (!place) return turn_away(std::move(client), refusal::address);
  auto seat = uses->places.admit(std::move(*place));
  if (seat) return start_connection(uses, std::move(client), std::move(*seat));
  add(uses->counts->refused[static_cast<std::size_t>(refusal::limit)]);
  turn_away(std::move(client), refusal::limit);
}

void listener::acceptor::turn_away(tcp_socket client, refusal why) {
  // By TLS it would take the answer for a broken handshake: there it is closed.
  if (!uses->tls.load()) turned_away.add(std::move(client), why);
}

void listener::acceptor::turn() {
  auto now = steady_clock::now();
  uses->places.turn(now);
  turned_away.turn(now);
  if (stopped && uses->places.size() == 0) return; // until then connections need the clock
  clock.expires_after(tick);
  clock.async_wait([self = shared_from_this()](error_code) { self->turn(); });
}

void listener::acceptor::stop() {
  if (stopped.exchange(true)) return;
  asio::post(one_by_one, [self = shared_from_this()] {
    error_code ignored;
    self->socket.close(ignored);
    self->pause.cancel();
  });
}

namespace {

traffic_gauges gauges_of(const services& uses) {
  traffic_gauges now;
  for (const auto& one : uses.places.all()) {
    ++(one->is_websocket() ? now.websocket_connections : now.http_connections);
    one->count_waiting(now.outbox_frames, now.outbox_bytes);
  }
  return now;
}

std::shared_ptr<services> make_services(listener_ports ports, const limits& bounds, const timings& times) {
  auto counts = std::make_shared<traffic>();
  return std::shared_ptr<services>(new services{ports.writes, ports.sessions, std::move(ports.verify),
                                                std::move(ports.pages), std::move(ports.node_urls), bounds, times,
                                                counts, door{std::move(ports.rules), bounds, *counts},
                                                registry{bounds.connections, tick}, std::move(ports.console)});
}

} // namespace

listener::listener(asio::io_context& threads, listener_ports ports, const limits& bounds, const timings& times)
    : services_(make_services(std::move(ports), bounds, times)),
      acceptor_(std::make_shared<acceptor>(threads, services_)) {}

listener::~listener() { stop_accepting(); }

void listener::use_tls(std::shared_ptr<const tls_context> with) { services_->tls.store(std::move(with)); }

std::string listener::start(const std::string& where) { return acceptor_->bind(where); }

std::uint16_t listener::port() const { return acceptor_->bound_port; }

void listener::stop_accepting() { acceptor_->stop(); }

void listener::close_all(close_code code, std::string_view reason, milliseconds spread) {
  std::minstd_rand random{std::random_device{}()};
  std::uniform_int_distribution<milliseconds::rep> delay{0, spread.count()};
  for (const auto& one : services_->places.all())
    one->leave(code, std::string(reason), milliseconds{delay(random)});
}

std::size_t listener::connections() const { return services_->places.size(); }

const traffic& listener::counts() const { return *services_->counts; }

std::shared_ptr<prometheus::Collectable> listener::metrics() const {
  return collect(services_->counts, [weak = std::weak_ptr<services>(services_)] {
    auto uses = weak.lock();
    return uses ? gauges_of(*uses) : traffic_gauges();
  });
}

traffic_gauges listener::gauges() const { return gauges_of(*services_); }

} // namespace starling::net
