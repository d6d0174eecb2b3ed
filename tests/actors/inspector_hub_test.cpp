#include "actors/inspector_hub.hpp"

#include <caf/scoped_actor.hpp>
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "stepped_system.hpp"

using namespace starling;

namespace {

/// A process behind its link: what it is, and how it behaves.
struct fake {
  inspected_process self;
  bool reachable = true;
  bool frozen = false;
  unsigned joins = 0, asks = 0;
};

std::string encode(const std::vector<inspected_process>& all) {
  std::string text;
  for (auto& one : all)
    text += fmt::format(R"({}{{"role":"{}","name":"{}","incarnation":{},"inspect":"{}"}})", text.empty() ? "" : ",",
                        one.role, one.name, one.incarnation, one.inspect);
  return R"({"processes":[)" + text + "]}";
}

/// A hub under a clock that the test moves, with links that lead to fakes, by their port.
struct scene : stepped_system {
  std::map<std::uint16_t, fake> fakes;
  std::vector<inspected_process> named; // by the master
  std::map<std::uint16_t, inspector_link_actor> links;
  inspector_hub_actor hub;

  scene() {
    fakes[1].self = {"master", "master", 1, {}};
    add("a", 11);
    add("b", 12);
  }
  ~scene() {
    caf::anon_send_exit(hub, caf::exit_reason::kill);
    hub = nullptr;
    links.clear();
    run();
  }
  void add(const std::string& name, std::uint16_t port, std::uint64_t incarnation = 1) {
    inspected_process who{"node", name, incarnation, "127.0.0.1:" + std::to_string(port)};
    fakes[port] = {{"node", name, incarnation, {}}, true, false, 0, 0};
    std::erase_if(named, [&](auto& one) { return one.name == name; });
    named.push_back(who);
  }

  inspector_link_actor link(std::uint16_t port) {
    auto behave = [this](inspector_link_actor::pointer self,
                         std::uint16_t where) -> inspector_link_actor::behavior_type {
      return {
          [this, where](const link_now&) -> caf::result<console_joined> {
            auto& it = fakes[where];
            ++it.joins;
            if (!it.reachable) return make_error(refusal{refusal_kind::bad_request, "cannot be reached", 0});
            return console_joined{{}, it.self, it.self.role == "master" ? named : std::vector<inspected_process>()};
          },
          [](const inspector_reached&) {},
          [this, where, self](const console_ask& what) -> caf::result<console_answer> {
            auto& it = fakes[where];
            it.asks += what.command != processes_command;
            if (it.frozen) return self->make_response_promise<console_answer>(); // never
            if (what.command == processes_command)
              return console_answer{encode(it.self.role == "master" ? named : std::vector<inspected_process>())};
            return console_answer{"{\"i_am\":\"" + it.self.name + "\"}"};
          },
      };
    };
    return links[port] = system.spawn(behave, port);
  }

  void run() { sched.run(); }
  void pass(milliseconds time) {
    for (milliseconds step{50}; time.count() > 0; time -= step) {
      run();
      sched.advance_time(step);
    }
    run();
  }
  void start() {
    hub = system.spawn(inspector_hub,
                       inspector_hub_options{[this](const inspector_place& at) { return link(at.where.port); },
                                             {{{"master", "master", 0, {}}, {{"127.0.0.1", 1}, true, {}}}}});
    run();
  }
  /// "name=up name=why", after at most so long.
  std::string ask(milliseconds within, const std::string& role = {}, const std::string& process = {}) {
    caf::scoped_actor console(system);
    auto asked = console->request(hub, caf::infinite, hub_ask{"echo", "{}", role, process});
    pass(within);
    std::string result = "no answer";
    asked.receive(
        [&](const hub_answer& all) {
          result.clear();
          for (auto& one : all.processes)
            result += (result.empty() ? "" : " ") + one.from.name + "=" + (one.error.empty() ? "up" : one.error);
        },
        [&](const caf::error& why) { result = system.render(why); });
    return result;
  }
};

} // namespace

TEST_CASE("a hub joins all processes that the first names, and asks them side by side", "[hub]") {
  scene s;
  s.start();
  CHECK(s.ask(milliseconds(0)) == "master=up a=up b=up");
  CHECK(s.ask(milliseconds(0), "node") == "a=up b=up");
  CHECK(s.ask(milliseconds(0), {}, "b") == "b=up");
  CHECK(s.ask(milliseconds(0), "node", "nobody").empty());
  for (auto& [port, one] : s.fakes)
    CHECK(one.joins == 1);
}

TEST_CASE("a hub joins processes that come later, and those that were started again", "[hub]") {
  scene s;
  s.start();
  s.add("c", 13);
  s.add("b", 14, 2); // another incarnation, elsewhere
  s.pass(milliseconds(1'500));
  CHECK(s.ask(milliseconds(0)) == "master=up a=up b=up c=up");
  CHECK(s.fakes[14].asks == 1);
  CHECK(s.fakes[12].asks == 0);
}

TEST_CASE("a hub forgets what has ended when the master names it no more", "[hub]") {
  scene s;
  s.start();
  s.fakes[12].reachable = false;
  caf::anon_send_exit(s.links[12], caf::exit_reason::user_shutdown);
  s.run();
  CHECK(s.ask(milliseconds(0)) == "master=up a=up b=it is gone");
  s.pass(milliseconds(1'000));
  CHECK(s.ask(milliseconds(0)) == "master=up a=up b=cannot be reached");
  std::erase_if(s.named, [](auto& one) { return one.name == "b"; });
  s.pass(milliseconds(1'500));
  CHECK(s.ask(milliseconds(0)) == "master=up a=up");
}

TEST_CASE("a hub tries again with a pause that grows, and joins when it can", "[hub]") {
  scene s;
  s.fakes[12].reachable = false;
  s.start();
  s.pass(milliseconds(60'000));
  CHECK(s.fakes[12].joins > 10);
  CHECK(s.fakes[12].joins < 25);
  s.fakes[12].reachable = true;
  s.pass(inspector_hub_state::pause_max + milliseconds(500));
  CHECK(s.ask(milliseconds(0)) == "master=up a=up b=up");
}

TEST_CASE("who does not answer holds up one ask, within its time, and no other until it answers again", "[hub]") {
  scene s;
  s.start();
  s.fakes[12].frozen = true;
  CHECK(s.ask(milliseconds(900)) == "master=up a=up b=no answer in time");
  CHECK(s.ask(milliseconds(0)) == "master=up a=up b=no answer for 0 s");
  s.pass(milliseconds(5'000));
  CHECK(s.fakes[12].asks == 1); // no ask waits there
  s.fakes[12].frozen = false;
  s.pass(milliseconds(2'500));
  CHECK(s.ask(milliseconds(0)) == "master=up a=up b=up");
}

TEST_CASE("while the master is away a hub asks whom it knows, and finds the master again", "[hub]") {
  scene s;
  s.start();
  s.fakes[1].reachable = false;
  caf::anon_send_exit(s.links[1], caf::exit_reason::user_shutdown);
  s.pass(milliseconds(5'000));
  CHECK(s.ask(milliseconds(0)) == "master=cannot be reached a=up b=up");
  s.fakes[1].reachable = true;
  s.add("c", 13);
  s.pass(inspector_hub_state::pause_max + milliseconds(500));
  CHECK(s.ask(milliseconds(0)) == "master=up a=up b=up c=up");
}

TEST_CASE("a hub that cannot join the first says why", "[hub]") {
  scene s;
  s.fakes[1].reachable = false;
  s.start();
  caf::scoped_actor console(s.system);
  auto asked = console->request(s.hub, caf::infinite, hub_join{});
  s.run();
  std::string why;
  asked.receive([](const hub_joined&) {}, [&](const caf::error& error) { why = to_refusal(error)->text; });
  CHECK(why == "cannot be reached");
}
