#include "actors/peek.hpp"

#include <caf/scoped_actor.hpp>
#include <catch2/catch.hpp>

#include "actors/observed.hpp"
#include "stepped_system.hpp"

using namespace starling;

namespace {

struct work {};
struct more_work {};
using worker_actor = caf::typed_actor<caf::reacts_to<work>, caf::reacts_to<more_work>>;

} // namespace

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(work)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(more_work)

namespace {

struct worker_state {
  worker_state(worker_actor::pointer) {}
  std::string describe() const { return R"({"done":)" + std::to_string(done) + "}"; }
  int done = 0;
};

worker_actor::behavior_type worker(self_pointer<worker_actor, worker_state> self, bool fails) {
  self->observe("worker", "bee");
  return {[self](const work&) { ++self->state.done; },
          [self, fails](const more_work&) {
            if (fails) self->quit(caf::exit_reason::unhandled_exception);
          }};
}

struct scene : stepped_system {
  caf::scoped_actor self{system};

  ~scene() { sched.run(); } // what was told to end does

  actor_peeked peek(const worker_actor& who) {
    actor_peeked result;
    auto asked = request_peek(*self, caf::actor_cast<caf::strong_actor_ptr>(who), std::chrono::hours(1));
    sched.run();
    asked.receive([&](actor_peeked& answer) { result = std::move(answer); },
                  [&](const caf::error& why) { FAIL(system.render(why)); });
    return result;
  }
};

} // namespace

TEST_CASE("whoever peeks at an actor sees its state and what waits, and takes nothing of it", "[peek]") {
  scene s;
  auto bee = s.system.spawn(worker, false);
  caf::anon_send(bee, work{});
  s.sched.run();
  caf::anon_send(bee, work{});
  caf::anon_send(bee, more_work{});
  caf::anon_send(bee, work{});
  auto seen = s.peek(bee);
  CHECK(seen.state == R"({"done":1})");
  REQUIRE(seen.waiting.size() == 3);
  CHECK_THAT(name_of(seen.waiting[0].type), Catch::EndsWith("::work"));
  CHECK_THAT(name_of(seen.waiting[1].type), Catch::EndsWith("::more_work"));
  CHECK(seen.waiting_beyond == 0);
  CHECK(s.peek(bee).state == R"({"done":3})");
  caf::anon_send_exit(bee, caf::exit_reason::user_shutdown);
}

TEST_CASE("of a full mailbox the first messages are shown, and how many more there are", "[peek]") {
  scene s;
  auto bee = s.system.spawn(worker, false);
  for (std::size_t i = 0; i < actor_peeked::waiting_max + 7; ++i)
    caf::anon_send(bee, work{});
  auto seen = s.peek(bee);
  CHECK(seen.waiting.size() == actor_peeked::waiting_max);
  CHECK(seen.waiting_beyond == 7);
  caf::anon_send_exit(bee, caf::exit_reason::user_shutdown);
}

TEST_CASE("an actor is found by its id as long as it lives, and its failures are kept", "[peek]") {
  scene s;
  auto bee = s.system.spawn(worker, true);
  s.sched.run(); // it enters the directory when it begins
  const auto id = bee.id();
  CHECK(actor_directory::instance().find(id) == bee);
  CHECK(actor_directory::instance().failures_of("worker", "bee").count == 0);
  caf::anon_send(bee, more_work{});
  s.sched.run();
  CHECK(actor_directory::instance().find(id) == nullptr);
  auto failed = actor_directory::instance().failures_of("worker", "bee");
  CHECK(failed.count == 1);
  CHECK_THAT(failed.last, Catch::Contains("unhandled"));
}
