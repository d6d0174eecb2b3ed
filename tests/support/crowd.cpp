#include "tests/support/crowd.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <numeric>

namespace starling::test {

using namespace std::chrono_literals;

std::uint64_t test_seed() {
  if (const auto* given = std::getenv("STARLING_TEST_SEED")) return std::strtoull(given, nullptr, 10);
  return std::random_device{}();
}

crowd::crowd(client_loop& loop, std::vector<std::uint16_t> ports, crowd_plan plan) : loop_(loop), seed_(test_seed()) {
  std::mt19937_64 random(seed_);
  for (std::size_t i = 0; i < plan.rooms; ++i)
    rooms_.push_back("crowd-" + std::to_string(i));
  for (std::size_t i = 0; i < plan.clients; ++i) {
    auto mine = ports;
    std::rotate(mine.begin(), mine.begin() + static_cast<std::ptrdiff_t>(i % ports.size()), mine.end());
    clients_.push_back(std::make_unique<resuming_client>(loop, "user-" + std::to_string(i), mine));
  }
  for (auto& c : clients_) {
    std::vector<std::string> chosen;
    std::sample(rooms_.begin(), rooms_.end(), std::back_inserter(chosen), plan.rooms_per_client, random);
    for (const auto& r : chosen)
      c->join(r);
  }
}

resuming_client& crowd::add(const std::string& user, std::vector<std::uint16_t> ports,
                            const std::vector<std::string>& rooms) {
  auto& c = *clients_.emplace_back(std::make_unique<resuming_client>(loop_, user, std::move(ports)));
  for (const auto& r : rooms)
    c.join(r);
  return c;
}

void crowd::talk(std::chrono::milliseconds interval, std::size_t text_bytes) {
  for (auto& c : clients_)
    c->talk(interval, text_bytes);
}

std::size_t crowd::acknowledged() const {
  return std::accumulate(clients_.begin(), clients_.end(), std::size_t{0},
                         [](auto n, const auto& c) { return n + c->acknowledged(); });
}

std::size_t crowd::reconnects() const {
  return std::accumulate(clients_.begin(), clients_.end(), std::size_t{0},
                         [](auto n, const auto& c) { return n + c->reconnects(); });
}

std::size_t crowd::unavailable() const {
  return std::accumulate(clients_.begin(), clients_.end(), std::size_t{0},
                         [](auto n, const auto& c) { return n + c->unavailable(); });
}

bool crowd::wait_acknowledged(std::size_t more, std::chrono::milliseconds at_most) {
  const auto wanted = acknowledged() + more;
  return eventually([&] { return acknowledged() >= wanted; }, at_most);
}

bool crowd::all_have_all() const {
  std::map<std::string, position> ends;
  for (const auto& c : clients_) {
    if (c->unanswered() > 0 || !c->in_step()) return false;
    for (const auto& s : c->sendings())
      ends[s.room] = std::max(ends[s.room], s.at.value_or(position{}));
  }
  return std::all_of(clients_.begin(), clients_.end(), [&](const auto& c) {
    const auto rooms = c->merged().after;
    return std::all_of(rooms.begin(), rooms.end(), [&](const auto& r) { return c->last(r.first) >= ends[r.first]; });
  });
}

bool crowd::settle(std::chrono::milliseconds at_most) {
  for (auto& c : clients_)
    c->fall_silent();
  return eventually([this] { return all_have_all(); }, at_most);
}

std::vector<reader> crowd::read_logs(std::uint16_t port) {
  std::vector<reader> logs;
  std::map<std::string, const resuming_client*> member_of;
  for (const auto& c : clients_)
    for (const auto& [room, after] : c->merged().after)
      member_of.emplace(room, c.get());
  for (const auto& [room, member] : member_of) {
    chat_client asking(loop_, {port, "/ws?user=" + member->user()});
    asking.opened();
    reader log{"the log of " + room, {}, {}, true};
    std::uint64_t after = 0;
    for (bool more = true; more;) {
      const auto page = asking.ask("room.history", {{"room", room}, {"after", after}, {"limit", 300}});
      for (const auto& m : page["messages"]) {
        after = m["seq"];
        log.after.try_emplace(room, position{m["epoch"], 0});
        log.seen.push_back({room, {m["epoch"], m["seq"]}, m["from"], m.value("key", ""), m["text"]});
      }
      more = page["more"];
    }
    logs.push_back(std::move(log));
  }
  return logs;
}

std::vector<std::string> crowd::faults(std::uint16_t port) {
  history_checker checker;
  for (const auto& c : clients_) {
    for (auto& s : c->sendings())
      checker.add(std::move(s));
    checker.add(c->merged());
    for (auto& r : c->connections())
      checker.add(std::move(r));
  }
  for (auto& r : read_logs(port))
    checker.add(std::move(r));
  return checker.faults();
}

std::vector<std::string> crowd::complaints() const {
  std::vector<std::string> all;
  for (const auto& c : clients_) {
    const auto some = c->complaints();
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

} // namespace starling::test
