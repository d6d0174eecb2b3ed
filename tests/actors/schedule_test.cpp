#include <catch2/catch.hpp>

#include "client_history.hpp"
#include "random_order.hpp"
#include "scene.hpp"

using namespace scene_test;

/// What must hold however the scheduler interleaves actors, and however late each link hands over what it has.
namespace {

numbers up_to(std::uint64_t last) {
  numbers all;
  for (std::uint64_t seq = 1; seq <= last; ++seq)
    all.push_back(seq);
  return all;
}

} // namespace

TEST_CASE("two who begin a dialogue at the same time hear each message once and in order", "[nodes][schedule]") {
  scene s;
  for (auto seed : seeds(300)) {
    random_order order(s, seed);
    auto name = std::to_string(seed);
    auto ann = s.enter(*s.a, "ann" + name), bob = s.enter(order.below(2) ? *s.a : *s.b, "bob" + name);
    auto room = dialogue_of("ann" + name, "bob" + name);
    constexpr int said_by_each = 3;
    for (int i = 0; i < said_by_each; ++i) {
      ann.ask("message.send", {{"to", "bob" + name}, {"text", "a"}});
      order.some_steps(60);
      bob.ask("message.send", {{"to", "ann" + name}, {"text", "b"}});
      order.some_steps(60);
    }
    order.all_steps();
    INFO("STARLING_TEST_SEED=" << seed);
    CHECK(ann.seqs_in(room) == up_to(2 * said_by_each));
    CHECK(bob.seqs_in(room) == up_to(2 * said_by_each));
    ann.hang_up();
    bob.hang_up();
  }
}

TEST_CASE("who hangs up on the way to a seat leaves none behind", "[nodes][schedule]") {
  scene s;
  for (auto seed : seeds(200)) {
    random_order order(s, seed);
    auto room = s.room_on("s1", std::to_string(seed));
    auto name = std::to_string(seed);
    auto host = s.enter(*s.a, "host" + name), guest = s.enter(*s.a, "guest" + name);
    host.get("room.join", {{"room", room}});
    guest.ask("room.join", {{"room", room}});
    order.some_steps(60);
    guest.hang_up();
    order.all_steps();
    INFO("STARLING_TEST_SEED=" << seed);
    CHECK(host.get("room.who", {{"room", room}})["users"] == json{"host" + name});
    host.hang_up();
  }
}

TEST_CASE("who is taken out by another device and comes again hears it in this order", "[nodes][schedule]") {
  scene s;
  for (auto seed : seeds(300)) {
    random_order order(s, seed);
    auto room = s.room_on("s1", std::to_string(seed));
    auto name = std::to_string(seed);
    auto host = s.enter(*s.a, "host" + name);
    host.get("room.join", {{"room", room}});
    auto one = s.enter(*s.a, "ann" + name), other = s.enter(order.below(2) ? *s.a : *s.b, "ann" + name);
    client_history history("ann" + name);
    auto say = [&] {
      host.ask("message.send", {{"room", room}, {"text", "x"}});
      order.some_steps(30);
    };
    other.ask("room.join", {{"room", room}}); // which gives `one` a seat, too
    order.some_steps(40);
    say();
    history.note_asked(one.ask("room.join", {{"room", room}}), "room.join", {{"room", room}});
    order.some_steps(10);
    other.ask("room.leave", {{"room", room}});
    order.some_steps(40);
    say();
    order.all_steps();
    say();
    order.all_steps();
    INFO("STARLING_TEST_SEED=" << seed);
    CHECK(history.read(one.window()->frames) == std::vector<std::string>{});
    host.hang_up();
    one.hang_up();
    other.hang_up();
  }
}
