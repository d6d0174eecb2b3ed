#include "redis_link_fixture.hpp"

#include "tests/support/fault_proxy.hpp"

using namespace redis_link_test;

TEST_CASE("a Redis that does not answer is given up, and others are unharmed", "[redis_link]") {
  redis_process slow, good;
  auto settings = quick();
  settings.silence = 60s; // not what is tested
  fixture f(slow.shard("slow"), settings), g(good.shard("good"), settings);
  REQUIRE(f.listener->wait_up());
  REQUIRE(g.listener->wait_up());
  slow.pause();
  const auto start = std::chrono::steady_clock::now();
  f.call("echo", {}, {});
  REQUIRE(f.listener->wait_down());
  const auto took = std::chrono::steady_clock::now() - start;
  CHECK(took >= settings.answer);
  CHECK(took < settings.answer + 2s);
  REQUIRE(f.listener->wait_answers(1));
  CHECK(is_unavailable(f.listener->answers[0]));
  CHECK_THAT(f.listener->downs[0], Catch::Contains("no answer within 300 ms"));
  CHECK(f.link->counters().timeouts == 1);
  g.call("echo", {}, {"x"});
  REQUIRE(g.listener->wait_answers(1));
  CHECK(g.listener->downs.empty());
  slow.resume();
  CHECK(f.listener->wait_up(2));
}

TEST_CASE("a Redis that falls silent is given up without a call", "[redis_link]") {
  redis_process redis;
  fixture f(redis.shard(), quick());
  REQUIRE(f.listener->wait_up());
  redis.pause();
  REQUIRE(f.listener->wait_down());
  CHECK_THAT(f.listener->downs[0], Catch::Contains("silent"));
  redis.resume();
  REQUIRE(f.listener->wait_up(2));
}

TEST_CASE("a subscription that falls silent while calls are answered is made anew, and calls go on", "[redis_link]") {
  using namespace starling::test;
  redis_process redis;
  fault_proxy proxy("127.0.0.1", redis.port());
  fixture f({"s1", "redis://127.0.0.1:" + std::to_string(proxy.port()), 1}, quick());
  REQUIRE(f.listener->wait_up());
  proxy.only([](std::string_view first) { return first.find("SUBSCRIBE") != first.npos; });
  proxy.inject(flow::to_client, {.stall = true});
  std::size_t asked = 0;
  REQUIRE(eventually([&] {
    f.call("echo", {}, {"x"});
    return f.listener->wait_answers(++asked) && f.listener->wait([&] { return !f.listener->cuts.empty(); }, 1ms);
  }));
  CHECK_THAT(f.listener->cuts[0], Catch::Contains("silent"));
  f.call("echo", {}, {"x"});
  REQUIRE(f.listener->wait_answers(++asked));
  proxy.heal();
  REQUIRE(f.listener->wait([&] { return f.listener->mends == 1; }));
  f.link->subscribe({"room:1"});
  REQUIRE(f.listener->wait([&] { return f.listener->confirmed.size() == 1; }));
  CHECK(f.listener->downs.empty());
  for (auto& answer : f.listener->answers)
    CHECK_FALSE(is_unavailable(answer));
}

TEST_CASE("probes keep a quiet link up", "[redis_link]") {
  redis_process redis;
  auto settings = quick();
  settings.silence = 5ms;
  settings.missed_pings = 200;
  fixture f(redis.shard(), settings);
  REQUIRE(f.listener->wait_up());
  f.link->subscribe({"room:1"});
  REQUIRE(f.listener->wait([&] { return f.listener->confirmed.size() == 1; }));
  auto probes = [&] {
    const auto text = redis.command({"INFO", "commandstats"}).to_string();
    const auto at = text.find("cmdstat_subscribe:calls=");
    return at == std::string::npos ? 0 : std::stoi(text.substr(at + 24));
  };
  REQUIRE(eventually([&] { return probes() > 50; }));
  redis.command({"PUBLISH", "room:1", "still here"});
  REQUIRE(f.listener->wait([&] { return f.listener->publications.size() == 1; }));
  CHECK(f.listener->confirmed.size() == 1); // the probes' channel is nobody's business
  CHECK(f.listener->downs.empty());
}

TEST_CASE("a link returns after kill -9 of its Redis", "[redis_link]") {
  redis_process redis({true, {}, {}});
  fixture f(redis.shard(), quick());
  REQUIRE(f.listener->wait_up());
  f.link->subscribe({"room:1"});
  REQUIRE(f.listener->wait([&] { return f.listener->confirmed.size() == 1; }));
  f.call("append", {"list"}, {"kept"});
  REQUIRE(f.listener->wait_answers(1));

  redis.kill9();
  REQUIRE(f.listener->wait_down());
  CHECK(f.link->counters().channels == 0);
  f.call("append", {"list"}, {"refused"});
  REQUIRE(f.listener->wait_answers(2));
  CHECK(is_unavailable(f.listener->answers[1]));

  redis.restart();
  REQUIRE(f.listener->wait_up(2));
  f.link->subscribe({"room:1", "room:2"});
  REQUIRE(f.listener->wait([&] { return f.listener->confirmed.size() == 3; }));
  f.call("append", {"list"}, {"new"});
  REQUIRE(f.listener->wait_answers(3));
  CHECK(f.listener->answers[2].to_int() == 2);
  f.call("publish", {"room:2"}, {"hello"});
  REQUIRE(f.listener->wait([&] { return f.listener->publications.size() == 1; }));
  CHECK(f.listener->publications[0].payload == "hello");
}
