#include "actors/actor_record.hpp"

#include <caf/type_nr.hpp>
#include <catch2/catch.hpp>

#include "actors/actor_rates.hpp"
#include "actors/protocol.hpp"

using namespace starling;

namespace {

message_type type_of_post() { return reinterpret_cast<message_type>(&typeid(room_post)); }

/// Takes one message through the actor, whose handler takes so long.
void handle(actor_record& actor, std::int64_t took_ns) {
  actor.note_arrival();
  actor.note_begin(type_of_post(), 1'000);
  actor.note_end(1'000, 1'000 + took_ns);
}

bool happens(const std::function<bool()>& condition) {
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (std::chrono::steady_clock::now() < end)
    if (condition()) return true;
  return false;
}

} // namespace

TEST_CASE("a record counts what waits, without what is being handled", "[record]") {
  actor_record actor;
  CHECK(actor.waiting() == 0);
  for (int i = 0; i < 3; ++i)
    actor.note_arrival();
  CHECK(actor.waiting() == 3);
  actor.note_begin(type_of_post(), 1);
  CHECK(actor.waiting() == 2);
  actor.note_end(1, 501);
  CHECK(actor.waiting() == 2);
  CHECK(actor.busy_ns == 500);
  CHECK(actor.longest_ns == 500);
}

TEST_CASE("a record knows the age of the oldest message that waits", "[record]") {
  const bool busy = GENERATE(false, true);
  actor_record actor;
  for (std::uint64_t i = 0; busy && i < actor_detail::made_at; ++i)
    handle(actor, 100);
  CHECK((actor.detail != nullptr) == busy);
  CHECK(actor.oldest_ms() == 0);
  actor.note_arrival();
  CHECK(happens([&] { return actor.oldest_ms() >= 20; }));
  const auto age = actor.oldest_ms();
  actor.note_arrival(); // younger: it changes nothing
  CHECK(actor.oldest_ms() >= age);
  actor.note_begin(type_of_post(), 1);
  actor.note_end(1, 2);
  actor.note_begin(type_of_post(), 1);
  actor.note_end(1, 2);
  CHECK(actor.oldest_ms() == 0);
}

TEST_CASE("of more messages than arrivals are kept, the oldest that is kept gives the age", "[record]") {
  actor_record actor;
  for (std::uint64_t i = 0; i < actor_detail::made_at; ++i)
    handle(actor, 100);
  for (std::size_t i = 0; i < 2 * actor_detail::arrivals_max; ++i)
    actor.note_arrival();
  CHECK(actor.arrival_of(actor_detail::made_at) == 0);
  CHECK(actor.arrival_of(actor_detail::made_at + actor_detail::arrivals_max) != 0);
  CHECK(happens([&] { return actor.oldest_ms() >= 10; }));
}

TEST_CASE("handlers are counted by the time that they took", "[record]") {
  CHECK(actor_detail::duration_index(0) == 0);
  CHECK(actor_detail::duration_index(511) == 0);
  CHECK(actor_detail::duration_index(512) == 1);
  CHECK(actor_detail::duration_index(1'024) == 2);
  CHECK(actor_detail::duration_index(~std::uint64_t{0}) == actor_detail::durations_max - 1);
  CHECK(actor_detail::duration_bound_ns(0) == 512);

  actor_record actor;
  for (std::uint64_t i = 0; i < actor_detail::made_at + 5; ++i)
    handle(actor, 1'500);
  REQUIRE(actor.detail != nullptr);
  CHECK(actor.detail.load()->durations[actor_detail::duration_index(1'500)] == 5);
  auto& last = actor.detail.load()->recent[(actor.handled - 1) % actor_detail::recent_max];
  CHECK(name_of(last.type) == "room_post");
  CHECK(last.took_us == 1);
}

TEST_CASE("types of messages have their names, CAF's own too", "[record]") {
  CHECK(name_of(message_type{0}).empty());
  CHECK(name_of(type_of_post()) == "room_post");
  CHECK(name_of(message_type{caf::type_nr<caf::exit_msg>::value}) == "@exit");
}

TEST_CASE("rates are what was handled since the sample before", "[record]") {
  using namespace std::chrono_literals;
  actor_record actor;
  actor.id = 17;
  actor_rates rates;
  actor_rates::time_point now{1h};
  auto look = [&] {
    rates.begin(now);
    auto result = rates.look(actor);
    rates.end();
    return result;
  };
  CHECK_FALSE(look());
  for (int i = 0; i < 10; ++i)
    handle(actor, 50'000'000);
  now += 2s;
  auto rate = look();
  REQUIRE(rate);
  CHECK(rate->messages_per_second == 5);
  CHECK(rate->busy == Approx(0.25));
  now += 100ms; // too soon for a sample of its own
  CHECK(look()->messages_per_second == 0);
  handle(actor, 1);
  now += 100ms;
  CHECK(look()->messages_per_second == 5);
  now += actor_rates::stale;
  CHECK_FALSE(look());
}
