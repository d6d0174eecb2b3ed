#include "cli/bench/plan.hpp"

namespace starling::cli {

namespace {

std::uint32_t small(std::size_t number) { return static_cast<std::uint32_t>(number); }

// `count` more clients in `rooms` more rooms.
void add_rooms(plan& all, std::size_t count, std::size_t rooms) {
  for (std::size_t i = 0; i < count; ++i)
    all.clients.push_back({small(all.rooms + i * rooms / count), true, false, false, {}});
  all.rooms += rooms;
}

void add_pairs(plan& all, std::size_t pairs, double rate, const std::string& name, const dialect& speaks) {
  auto first = all.clients.size();
  add_rooms(all, 2 * pairs, pairs);
  for (auto i = first; i < all.clients.size(); ++i)
    all.clients[i].joins = !speaks.has_dialogues();
  all.streams.push_back({name, rate, small(first), small(2 * pairs), true, false});
}

void add_crowd(plan& all, const bench_options& options, std::size_t rooms, const std::string& name) {
  add_rooms(all, options.clients, options.clients > 0 ? rooms : 0);
  all.streams.push_back({name, options.clients > 0 ? options.rate : 0, 0, small(options.clients), false, false});
}

void make_urgent(plan& all, stream& which) {
  which.urgent = true;
  for (std::uint32_t i = 0; i < which.count; ++i)
    all.clients[which.first + i].urgent = true;
}

// Evenly among the clients, so that they are spread over rooms and nodes alike.
void stall_some(plan& all, std::size_t some) {
  for (std::size_t i = 0; i < some; ++i)
    all.clients[i * all.clients.size() / some].stalls = true;
}

// The users first, without a room, then the observers. Each user's watchers are neighbours, so on different nodes, and
// each observer has as many users as any other.
void add_storm(plan& all, const bench_options& options) {
  all.clients.resize(options.clients + options.observers);
  for (std::size_t user = 0; user < options.clients; ++user)
    for (std::size_t k = 0; k < options.watchers; ++k) {
      auto observer = (user * options.watchers + k) % options.observers;
      all.clients[options.clients + observer].watches.push_back(small(user));
    }
}

} // namespace

plan plan_of(const bench_options& options, const dialect& speaks) {
  plan all;
  switch (options.what) {
  case scenario::fanout:
  case scenario::stalled:
    add_crowd(all, options, options.rooms, "");
    if (options.what == scenario::stalled) stall_some(all, options.stalled);
    break;
  case scenario::pairs:
    add_pairs(all, options.clients / 2, options.rate, "", speaks);
    break;
  case scenario::busy:
    add_crowd(all, options, 1, "room");
    add_pairs(all, options.pairs, options.pairs_rate, "pairs", speaks);
    make_urgent(all, all.streams.back());
    break;
  case scenario::storm:
    add_storm(all, options);
    break;
  case scenario::idle:
  case scenario::connect:
    add_rooms(all, options.clients, options.clients);
    if (options.what == scenario::idle)
      for (std::size_t i = 0; i < options.clients; ++i)
        all.clients[i].watches = {small((i + 1) % options.clients)};
    break;
  }
  return all;
}

} // namespace starling::cli
