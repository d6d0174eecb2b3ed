#include <catch2/catch.hpp>

#include "client_history.hpp"
#include "random_order.hpp"

using namespace scene_test;

/// Whole nodes under random schedules: clients come, speak and go, links to Redis break and lose publications, time
/// passes, and actors and links run in any order. In the end everybody must have everything.
namespace {

struct guest {
  user_id user;
  person who;
  client_history history;
};

class world {
public:
  explicit world(std::uint64_t seed) : order_(stage_, seed) { rooms_ = {stage_.room_on("s1"), stage_.room_on("s2")}; }

  void act() {
    switch (order_.below(16)) {
    case 0:
    case 1:
      return enter();
    case 2:
      return leave_the_house();
    case 3:
    case 4:
      return ask("room.join", {{"room", any_room()}});
    case 5:
      return order_.one_in(3) ? ask("room.leave", {{"room", any_room()}}) : order_.some_steps(20);
    case 6:
    case 7:
    case 8:
      return ask("message.send", {{"room", any_room()}, {"text", next_text()}});
    case 9:
    case 10:
      return ask("message.send", {{"to", any_user()}, {"text", next_text()}});
    case 11:
      return any_link()->drop_publications(1 + order_.below(2));
    case 12:
      return any_link()->fail("cut off");
    case 13:
      return recover();
    default:
      return pass();
    }
  }
  void some_steps() { order_.some_steps(30); }

  /// All faults end, and there is time to repair.
  void come_to_rest() {
    recover();
    order_.all_steps();
    stage_.pass(30s);
  }

  void check() {
    std::map<room_id, std::map<std::uint64_t, std::string>> logs;
    for (auto& one : guests_) {
      INFO(one->user);
      CHECK(one->history.read(one->who.window()->frames) == std::vector<std::string>{});
      for (auto* texts : {&one->history.heard(), &one->history.acknowledged()})
        for (auto& [room, messages] : *texts)
          for (auto& [seq, text] : messages)
            CHECK(logs[room].try_emplace(seq, text).first->second == text); // all see the same
    }
    for (auto& one : guests_) {
      if (!one->who.connected()) continue;
      for (auto& [room, place] : one->history.rooms()) {
        INFO(one->user << " in " << room);
        if (place.next != 0 && logs.contains(room))
          CHECK(place.next > logs[room].rbegin()->first); // beyond: what only the log knows
      }
    }
  }

private:
  void enter() {
    constexpr std::size_t guests_max = 12;
    if (guests_.size() == guests_max) return;
    auto user = any_user();
    auto& where = order_.one_in(2) ? *stage_.a : *stage_.b;
    guests_.push_back(std::make_unique<guest>(guest{user, person(stage_, where, user), client_history(user)}));
  }
  guest* any_guest() {
    std::vector<guest*> here;
    for (auto& one : guests_)
      if (one->who.connected()) here.push_back(one.get());
    return here.empty() ? nullptr : here[order_.below(here.size())];
  }
  void leave_the_house() {
    if (auto* one = any_guest()) one->who.disconnect();
  }
  void ask(const std::string& method, const json& params) {
    if (auto* one = any_guest()) one->history.note_asked(one->who.ask(method, params), method, params);
  }
  void recover() {
    for (auto* where : {stage_.a.get(), stage_.b.get()}) {
      if (!where->has_links()) continue;
      where->recover_all();
    }
  }
  void pass() {
    auto step = milliseconds(1 + order_.below(700));
    stage_.now_ms += step.count();
    stage_.sched.advance_time(step);
  }
  std::shared_ptr<net::memory_link> any_link() {
    return (order_.one_in(2) ? *stage_.a : *stage_.b).link(order_.one_in(2) ? "s1" : "s2");
  }
  const room_id& any_room() { return rooms_[order_.below(rooms_.size())]; }
  user_id any_user() { return "user" + std::to_string(order_.below(4)); }
  std::string next_text() { return std::to_string(++texts_); }

  scene stage_;
  random_order order_;
  std::vector<room_id> rooms_;
  std::vector<std::unique_ptr<guest>> guests_;
  std::uint64_t texts_ = 0;
};

} // namespace

TEST_CASE("however it is interleaved, what is acknowledged reaches all who are there, once and in order",
          "[nodes][schedule][simulation]") {
  for (auto seed : seeds(150)) {
    INFO("STARLING_TEST_SEED=" << seed);
    world all(seed);
    for (int i = 0; i < 120; ++i) {
      all.act();
      all.some_steps();
    }
    all.come_to_rest();
    all.check();
  }
}
