#include "net/door.hpp"

#include <random>
#include <utility>

#include "net/metrics.hpp"
#include "net/origin.hpp"

namespace starling::net {

using std::chrono::steady_clock;

namespace {

// When a connection of the same address may have ended.
constexpr std::chrono::seconds connections_wait{5};

http_answer too_many(const char* what, std::chrono::seconds wait) {
  return {429, "text/plain; charset=utf-8", what, {}, "Retry-After: " + std::to_string(wait.count())};
}

void count(traffic& counts, refusal why) { add(counts.refused[static_cast<std::size_t>(why)]); }

} // namespace

door::door(door_rules rules, const limits& bounds, traffic& counts)
    : rules_(std::move(rules)), proxies_(rules_.proxies), counts_(counts), places_(bounds.connections_per_address),
      refused_(bounds.refused_opens_per_minute),
      opens_(bounds.opens_per_second, bounds.opens_burst, std::random_device{}()) {}

std::optional<address_places::place> door::admit(const ip_address& peer) {
  auto who = client_behind(peer, {}, proxies_);
  if (!who) return address_places::place{};
  auto place = places_.take(*who);
  if (!place) count(counts_, refusal::address);
  return place;
}

std::optional<http_answer> door::refuse_forwarded(registry::seat& seat, const ip_address& peer,
                                                  std::string_view forwarded_for) {
  if (!proxies_.has(plain(peer))) return std::nullopt;
  auto who = client_behind(peer, forwarded_for, proxies_);
  if (seat.client() == who) return std::nullopt;
  seat.count_for({}); // a proxy may send requests of many clients over one connection
  if (!who) return std::nullopt;
  if (auto place = places_.take(*who)) {
    seat.count_for(std::move(*place));
    return std::nullopt;
  }
  count(counts_, refusal::address);
  return too_many("too many connections from your address\n", connections_wait);
}

std::optional<http_answer> door::refuse_upgrade(const std::optional<ip_address>& client, std::string_view origin,
                                                std::string_view host) {
  if (!may_connect_from(origin, host, rules_.origins)) {
    count(counts_, refusal::origin);
    return http_answer{403,
                       "text/plain; charset=utf-8",
                       "pages of " + std::string(origin) + " may not connect to this node (node.origins)\n",
                       {},
                       {}};
  }
  auto wait = client ? refused_.wait_of(*client, steady_clock::now()) : std::nullopt;
  if (!wait) return std::nullopt;
  count(counts_, refusal::barred);
  return too_many("too many sessions were refused to your address\n", *wait);
}

void door::note_refused(const std::optional<ip_address>& client) {
  if (client) refused_.add(*client, steady_clock::now());
}

bool door::bars(const std::optional<ip_address>& client) {
  return client && refused_.wait_of(*client, steady_clock::now()).has_value();
}

std::optional<milliseconds> door::put_off() {
  std::lock_guard guard{mutex_};
  return opens_.put_off(steady_clock::now());
}

} // namespace starling::net
