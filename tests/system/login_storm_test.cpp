// All clients of a cluster lose their connections in one moment, and come back in the next.
#include <algorithm>
#include <chrono>
#include <map>
#include <vector>

#include <catch2/catch.hpp>

#include "cli/bench/endpoint.hpp"
#include "cli/bench/fields.hpp"
#include "cli/bench/fleet.hpp"
#include "cli/bench/presence_book.hpp"
#include "tests/support/cluster.hpp"
#include "tests/support/http_request.hpp"

using namespace starling;
using namespace starling::cli;
using namespace std::chrono_literals;
using starling::test::cluster;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr bool sanitized = true; // nodes and clients are several times slower then
#else
constexpr bool sanitized = false;
#endif

constexpr std::uint32_t users = sanitized ? 1200 : 3000;
constexpr std::uint32_t watchers = 10;                // of each
constexpr std::uint32_t opens_per_second = users / 6; // of each of two nodes: half of the users must wait
constexpr nanoseconds return_within = 1s;
constexpr nanoseconds all_back_within = 15s;
constexpr nanoseconds all_known_within = 5s;

plan watched_by_each_other() {
  plan all;
  all.clients.resize(users);
  for (std::uint32_t i = 0; i < users; ++i) {
    auto& watched = all.clients[i].watches;
    for (std::uint32_t k = 1; k <= watchers; ++k)
      watched.push_back((i + k) % users);
    std::sort(watched.begin(), watched.end());
  }
  return all;
}

std::vector<endpoint> endpoints_of(const cluster& c) {
  std::vector<endpoint> all(2);
  REQUIRE(resolve(c.url("a"), all[0]).empty());
  REQUIRE(resolve(c.url("b"), all[1]).empty());
  return all;
}

bench_options named() {
  bench_options options;
  options.run = "storm";
  return options;
}

/// Users who watch each other; what they were told, and what they should not have been.
class crowd {
public:
  explicit crowd(const cluster& c) : all(options_, plan_, dialect_of(protocol::starling), endpoints_of(c)) {
    forget();
    all.on_put_off = [this](const client& who) { hints.push_back(who.stay_away); };
    all.on_heard = [this](client& who, const heard& what, std::string_view text, auto) {
      if (what.what == heard::kind::reply && error_code_of(text)) ++errors;
      each_presence(text, [&](std::string_view name, bool online) {
        if (auto user = all.index_of(name)) told_.told(who.index, *user, online);
      });
    };
  }

  /// What was said so far counts no more.
  void forget() {
    told_ = {};
    hints.clear();
    for (const auto& who : all.clients())
      told_.watches(who.index, plan_.clients[who.index].watches);
  }

  bool everyone_is_known_online() const { return told_.untold() == 0 && told_.wrong() == 0; }
  std::size_t wrong() const { return told_.untold() + told_.wrong(); }

  template <class Condition>
  bool turn_until(Condition met, nanoseconds at_most) {
    for (auto end = all.now() + at_most; !met(); all.turn(5ms))
      if (all.now() > end) return false;
    return true;
  }

private:
  bench_options options_ = named();
  plan plan_ = watched_by_each_other();
  presence_book told_;

public:
  fleet all;
  std::vector<milliseconds> hints; // of those who were put off
  std::size_t errors = 0;
};

/// The most of `hints` that lie in one tenth of their range.
std::size_t most_in_a_tenth(const std::vector<milliseconds>& hints) {
  auto longest = *std::max_element(hints.begin(), hints.end());
  std::map<milliseconds::rep, std::size_t> tenths;
  for (auto each : hints)
    ++tenths[std::min<milliseconds::rep>(each * 10 / longest, 9)];
  return std::max_element(tenths.begin(), tenths.end(), [](auto& a, auto& b) { return a.second < b.second; })->second;
}

} // namespace

TEST_CASE("when all clients drop and come back at once everyone is in again and known to be, without an error",
          "[login_storm]") {
  raise_open_files(users + 1000); // for the nodes, too, which inherit it
  cluster c({.set = {"limits.opens_per_second=" + std::to_string(opens_per_second),
                     "limits.opens_burst=" + std::to_string(opens_per_second)}});
  crowd people(c);
  people.all.open_all([] {});
  REQUIRE(people.all.ready() == users);
  REQUIRE(people.turn_until([&] { return people.everyone_is_known_online(); }, all_known_within));

  people.forget();
  for (auto& who : people.all.clients())
    people.all.cut(who);
  const auto begin = people.all.now();
  for (auto& who : people.all.clients()) {
    auto due = begin + return_within * who.index / users;
    people.turn_until([&] { return people.all.now() >= due; }, return_within);
    people.all.start(who);
  }
  const bool all_back = people.turn_until([&] { return people.all.ready() == users; }, all_back_within);
  const auto back = people.all.now() - begin;
  const bool known = people.turn_until([&] { return people.everyone_is_known_online(); }, all_known_within);
  const auto right = people.all.now() - begin;
  people.turn_until([] { return false; }, begin + back + all_known_within - people.all.now()); // what is late comes now

  CAPTURE(back.count() / 1'000'000, right.count() / 1'000'000, people.hints.size(), people.wrong());
  CHECK(all_back);
  CHECK(back <= all_back_within);
  CHECK(known);
  CHECK(people.everyone_is_known_online()); // and it stays so
  CHECK(people.all.ended.empty());
  CHECK(people.errors == 0);
  REQUIRE(people.hints.size() > users / 10);
  CHECK(most_in_a_tenth(people.hints) < people.hints.size() / 2);
  for (const auto* node : {"a", "b"})
    CHECK(test::metric(test::http_get(c.port(node), "/metrics").body,
                       "starling_session_opens_total{result=\"put_off\"}") > 0);
}
