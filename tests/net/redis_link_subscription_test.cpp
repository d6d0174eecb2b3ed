#include "redis_link_fixture.hpp"

using namespace redis_link_test;

TEST_CASE("when only the subscriptions are lost, calls go on and the connection is made anew", "[redis_link]") {
  redis_process redis;
  fixture f(redis.shard(), quick());
  REQUIRE(f.listener->wait_up());
  for (int round = 1; round <= 3; ++round) {
    INFO("round " << round);
    redis.command({"CLIENT", "KILL", "TYPE", "pubsub"});
    f.call("echo", {}, {"x"});
    REQUIRE(f.listener->wait([&] { return f.listener->mends == round; }));
    CHECK(f.listener->cuts.size() == static_cast<std::size_t>(round));
    f.link->subscribe({"a"});
    REQUIRE(f.listener->wait([&] { return f.listener->confirmed.size() == static_cast<std::size_t>(round); }));
  }
  REQUIRE(f.listener->wait_answers(3));
  for (auto& answer : f.listener->answers)
    CHECK(answer.at(0).to_string() == "x");
  CHECK(f.listener->downs.empty());
  CHECK(f.listener->ups == 1);
}

TEST_CASE("the loss of the connection for commands is the loss of the link", "[redis_link]") {
  redis_process redis;
  fixture f(redis.shard(), quick());
  REQUIRE(f.listener->wait_up());
  redis.command({"CLIENT", "KILL", "TYPE", "normal"});
  REQUIRE(f.listener->wait_down());
  REQUIRE(f.listener->wait_up(2));
  f.call("echo", {}, {"x"});
  REQUIRE(f.listener->wait_answers(1));
  CHECK(f.listener->answers[0].at(0).to_string() == "x");
}

TEST_CASE("a link subscribes to thousands of channels in batches, and leaves them", "[redis_link]") {
  redis_process redis;
  fixture f(redis.shard());
  REQUIRE(f.listener->wait_up());
  std::vector<std::string> channels;
  for (int i = 0; i < 2000; ++i)
    channels.push_back("room:" + std::to_string(i));
  f.link->subscribe(channels);
  REQUIRE(f.listener->wait([&] { return f.listener->confirmed.size() == 2000; }));
  CHECK(f.listener->confirmed == channels);
  CHECK(f.link->counters().channels == 2000);
  CHECK_THAT(redis.command({"INFO", "commandstats"}).to_string(), Catch::Contains("cmdstat_subscribe:calls=5,"));
  channels.pop_back();
  f.link->unsubscribe(channels);
  f.link->subscribe({"last"});
  REQUIRE(f.listener->wait([&] { return f.listener->confirmed.size() == 2001; }));
  CHECK(f.link->counters().channels == 2);
}

TEST_CASE("publications come in order, with those of other channels between them", "[redis_link]") {
  redis_process redis;
  fixture f(redis.shard());
  REQUIRE(f.listener->wait_up());
  f.link->subscribe({"a", "b"});
  REQUIRE(f.listener->wait([&] { return f.listener->confirmed.size() == 2; }));
  for (int i = 0; i < 5000; ++i)
    f.call("publish", {i % 3 ? "a" : "b"}, {std::to_string(i)});
  REQUIRE(f.listener->wait([&] { return f.listener->publications.size() == 5000; }));
  for (std::size_t i = 0; i < 5000; ++i)
    REQUIRE(f.listener->publications[i].payload == std::to_string(i));
  CHECK(f.link->counters().publications == 5000);
  CHECK(f.link->counters().bytes_published == 10 + 90 * 2 + 900 * 3 + 4000 * 4);
}
