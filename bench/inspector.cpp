// What it costs a process to list its actors for a console: pages of 100,000 sessions, by several orders.
//
//     cmake --build build/release --target inspector_bench && build/release/inspector_bench
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <nlohmann/json.hpp>

#include "actors/inspect_actors.hpp"

namespace {

using namespace starling;
using nlohmann::json;

constexpr int sessions = 100'000;
constexpr int repetitions = 9;

struct poke {};
using fake_session = caf::typed_actor<caf::reacts_to<poke>>;
struct fake_state {
  fake_state(fake_session::pointer) {}
};

fake_session::behavior_type session(self_pointer<fake_session, fake_state> self, std::string user) {
  self->observe("session", std::move(user));
  return {[](const poke&) {}};
}

/// The median time of a page, in ms.
double measure(const inspector_command& command, const json& arguments) {
  std::vector<double> took;
  for (int i = 0; i < repetitions; ++i) {
    auto begin = std::chrono::steady_clock::now();
    if (command.run(nullptr, arguments).flag != caf::rt_value) throw std::runtime_error("refused: " + arguments.dump());
    std::chrono::duration<double, std::milli> each = std::chrono::steady_clock::now() - begin;
    took.push_back(each.count());
  }
  std::nth_element(took.begin(), took.begin() + repetitions / 2, took.end());
  return took[repetitions / 2];
}

} // namespace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(poke)

int main() {
  caf::actor_system_config config;
  caf::actor_system system(config);
  std::vector<fake_session> all;
  for (int i = 0; i < sessions; ++i) {
    all.push_back(system.spawn(session, "user-" + std::to_string(i)));
    if (i % 3 == 0) caf::anon_send(all.back(), poke{});
  }
  const auto command = actors_command();
  for (auto* order : {"mailbox", "age", "busy", "rate", "errors", "started"}) {
    json page{{"kind", "session"}, {"sort", order}, {"limit", 100u}};
    auto first = measure(command, page);
    page["after"] = 5'000u;
    auto later = measure(command, page);
    page["name"] = "user-9*";
    std::printf("%d sessions by %-8s first 100: %5.1f ms   100 behind 5000: %5.1f ms   of these user-9*: %5.1f ms\n",
                sessions, order, first, later, measure(command, page));
  }
  for (auto& one : all)
    caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
}
