#include "actors/turn.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include <boost/asio/post.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <catch2/catch.hpp>

#include "actors/scheduler.hpp"

using namespace starling;
namespace asio = boost::asio;

namespace {

/// Actors on the threads of an io_context, as in a node.
struct pool {
  asio::io_context io;
  caf::actor_system_config config;
  std::unique_ptr<caf::actor_system> system;

  explicit pool(std::size_t threads) {
    config.set("scheduler.max-threads", threads).set("scheduler.max-throughput", std::size_t{50});
    use_asio_scheduler(config, io);
    system = std::make_unique<caf::actor_system>(config);
  }
};

// Actors are made from functions with an argument: without one, CAF's spawn refers to a null pointer, which UBSan sees.

/// Notes how many steps had been made when it was written.
struct noting_writer final : writer {
  std::vector<int>* notes;
  const int* steps;
  noting_writer(std::vector<int>* n, const int* s) : notes(n), steps(s) {}
  void write() override { notes->push_back(*steps); }
};

} // namespace

TEST_CASE("what is to be written waits until the events and actors of the turn have run", "[turn]") {
  int steps = 0;
  std::vector<int> notes;
  {
    pool p(1);
    auto step = [&] {
      ++steps;
      write_soon(p.io, std::make_shared<noting_writer>(&notes, &steps));
    };
    auto actor = p.system->spawn(
        [step](caf::event_based_actor* self, int last) -> caf::behavior {
          return {[=](int n) {
            step();
            n < last ? self->send(self, n + 1) : self->quit();
          }};
        },
        10);
    asio::post(p.io, [&] {
      caf::anon_send(actor, 1);
      step();
    });
    p.system->await_all_actors_done();
  }
  CHECK(notes == std::vector<int>(11, 11)); // one event and ten messages, all before the first write
}

TEST_CASE("actors that keep each other busy do not keep events from their turn", "[turn]") {
  pool p(1);
  std::atomic<bool> stop = false;
  p.system->spawn(
      [](caf::event_based_actor* self, std::atomic<bool>* end) -> caf::behavior {
        self->send(self, 0);
        return {[=](int n) { *end ? self->quit() : self->send(self, n + 1); }};
      },
      &stop);
  // Without events between the messages this never runs, and the system never ends.
  asio::post(p.io, [&] { stop = true; });
  p.system->await_all_actors_done();
  CHECK(stop);
}

TEST_CASE("a thread with many actors gives some away", "[turn]") {
  struct meeting {
    std::mutex mutex;
    std::set<std::thread::id> threads;
    std::atomic<int> came = 0;
    std::size_t come() {
      std::lock_guard lock(mutex);
      threads.insert(std::this_thread::get_id());
      return threads.size();
    }
  };
  constexpr int crowd = 200;
  meeting all;
  {
    pool p(2);
    std::vector<caf::actor> actors;
    for (int i = 0; i < crowd; ++i)
      actors.push_back(p.system->spawn(
          [](caf::event_based_actor* self, meeting* here) -> caf::behavior {
            return {[=](int) {
              ++here->came;
              // Waits for another thread, unless all have come to this one.
              while (here->come() < 2 && here->came < crowd)
                std::this_thread::yield();
              self->quit();
            }};
          },
          &all));
    asio::post(p.io, [&] {
      for (auto& actor : actors)
        caf::anon_send(actor, 1);
    });
    p.system->await_all_actors_done();
  }
  CHECK(all.threads.size() == 2);
}
