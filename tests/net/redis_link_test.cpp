#include <numeric>

#include "redis_link_fixture.hpp"

using namespace redis_link_test;

TEST_CASE("a link answers calls in order", "[redis_link]") {
  redis_process redis;
  fixture f(redis.shard());
  REQUIRE(f.listener->wait_up());
  for (int i = 0; i < 2000; ++i)
    f.call("append", {"list"}, {std::to_string(i)});
  REQUIRE(f.listener->wait_answers(2000));
  for (int i = 0; i < 2000; ++i)
    REQUIRE(f.listener->answers[static_cast<std::size_t>(i)].to_int() == i + 1);
  CHECK(redis.command({"LINDEX", "list", "1234"}).to_string() == "1234");
  CHECK(f.link->counters().calls == 2000);
  CHECK(f.link->counters().answers == 2000);
  CHECK(f.link->counters().waiting == 0);
  CHECK(f.link->counters().round_trip_us_max > 0);
  CHECK(f.link->counters().reconnects == 0);
}

TEST_CASE("a link hands over what a script answers, errors and bytes included", "[redis_link]") {
  redis_process redis;
  fixture f(redis.shard());
  REQUIRE(f.listener->wait_up());
  f.call("echo", {}, {"", std::string("a\0b\r\n", 5)});
  f.call("fails", {}, {});
  f.call("no_such_script", {}, {});
  REQUIRE(f.listener->wait_answers(3));
  auto& answers = f.listener->answers;
  auto by_error = [](const redis_value& v) { return v.if_error() != nullptr; };
  const auto echo = std::find_if_not(answers.begin(), answers.end(), by_error);
  REQUIRE(echo != answers.end());
  CHECK(echo->at(0).to_string().empty());
  CHECK(echo->at(1).to_string() == std::string("a\0b\r\n", 5));
  CHECK(std::count_if(answers.begin(), answers.end(), is_unavailable) == 1);
  CHECK(std::count_if(answers.begin(), answers.end(),
                      [](auto& v) { return v.if_error() && v.if_error()->text == "STALE 7"; }) == 1);
}

TEST_CASE("a link works over a unix socket and over a host's name", "[redis_link]") {
  redis_process redis;
  const bool local = GENERATE(true, false);
  const auto address = local ? redis.unix_address() : "redis://localhost:" + std::to_string(redis.port());
  fixture f({"s1", address, 1});
  REQUIRE(f.listener->wait_up());
  f.call("echo", {}, {"x"});
  REQUIRE(f.listener->wait_answers(1));
  CHECK(f.listener->answers[0].at(0).to_string() == "x");
}

TEST_CASE("a link loads its scripts again when Redis has forgotten them", "[redis_link]") {
  redis_process redis;
  fixture f(redis.shard());
  REQUIRE(f.listener->wait_up());
  for (int round = 0; round < 3; ++round) {
    redis.command({"SCRIPT", "FLUSH"});
    for (int i = 0; i < 500; ++i)
      f.call("append", {"list"}, {std::to_string(i)});
    const auto expected = static_cast<std::size_t>(500 * (round + 1));
    REQUIRE(f.listener->wait_answers(expected));
  }
  for (int i = 0; i < 1500; ++i) {
    REQUIRE(f.listener->answers[static_cast<std::size_t>(i)].to_int() == i + 1);
    REQUIRE(redis.command({"LINDEX", "list", std::to_string(i)}).to_int() == i % 500);
    i += 6; // every seventh will do
  }
  CHECK(f.link->counters().script_loads == 3);
}

TEST_CASE("a link proves who it is", "[redis_link]") {
  const bool named = GENERATE(false, true);
  const std::string user = named ? "node" : "";
  redis_process redis({false, user, "secret"});
  auto settings = quick();
  settings.user = user;
  SECTION("with the right password") {
    fixture f(redis.shard(), settings, "secret");
    REQUIRE(f.listener->wait_up());
  }
  SECTION("with a wrong one it is down, says why once, and goes on trying") {
    fixture f(redis.shard(), settings, "wrong");
    REQUIRE(f.listener->wait_down());
    CHECK_THAT(f.listener->downs[0], Catch::Contains("AUTH: WRONGPASS"));
    REQUIRE(eventually([&] { return f.link->counters().reconnects > 3; }));
    if (named)
      redis.command({"ACL", "SETUSER", "node", ">wrong"});
    else
      redis.command({"ACL", "SETUSER", "default", ">wrong"});
    REQUIRE(f.listener->wait_up());
    CHECK(f.listener->downs.size() == 1);
  }
  SECTION("with none at all it is down") {
    settings.user.clear();
    fixture f(redis.shard(), settings);
    REQUIRE(f.listener->wait_down());
    CHECK_THAT(f.listener->downs[0], Catch::Contains("NOAUTH"));
  }
}

TEST_CASE("a link that may not subscribe is down and says so", "[redis_link]") {
  redis_process redis;
  redis.command({"ACL", "SETUSER", "default", "resetchannels"});
  fixture f(redis.shard(), quick());
  REQUIRE(f.listener->wait_down());
  CHECK_THAT(f.listener->downs[0], Catch::Contains("NOPERM"));
}

TEST_CASE("a link whose scripts do not compile is down and says which", "[redis_link]") {
  redis_process redis;
  auto listener = std::make_shared<recorder>();
  boost::asio::io_context io;
  auto scripts = std::make_shared<script_set>(std::map<std::string, std::string>{{"good", "return 1"}, {"bad", "?"}});
  auto link = make_redis_link(io, redis.shard(), quick(), {}, scripts);
  link->start(listener);
  while (listener->downs.empty())
    io.run_one();
  CHECK_THAT(listener->downs[0], Catch::Contains("SCRIPT LOAD of bad: ERR Error compiling script"));
  link.reset();
  io.run();
}

TEST_CASE("a link says what is wrong with an address", "[redis_link]") {
  auto [address, reason] = GENERATE(table<std::string, std::string>({
      {"redis://127.0.0.1:1", "Connection refused"},
      {"unix:///nowhere/redis.sock", "No such file"},
      {"http://127.0.0.1:1", "redis://host:port"},
      {"redis://name.invalid:1", "cannot resolve name.invalid"},
  }));
  fixture f({"s1", address, 1}, quick());
  REQUIRE(f.listener->wait_down());
  CHECK_THAT(f.listener->downs[0], Catch::Contains(reason));
}

TEST_CASE("calls on a link that is down are refused at once", "[redis_link]") {
  fixture f({"s1", "redis://127.0.0.1:1", 1});
  f.call("echo", {}, {});
  REQUIRE(f.listener->wait_answers(1));
  CHECK(is_unavailable(f.listener->answers[0]));
  CHECK(f.link->counters().failures == 1);
}

TEST_CASE("a link has a bound on the calls that wait", "[redis_link]") {
  redis_process redis;
  redis_settings settings;
  settings.commands_waiting = 10;
  settings.answer = 10s;
  fixture f(redis.shard(), settings);
  REQUIRE(f.listener->wait_up());
  redis.pause();
  for (int i = 0; i < 13; ++i)
    f.call("echo", {}, {});
  REQUIRE(f.listener->wait_answers(3));
  CHECK(std::all_of(f.listener->answers.begin(), f.listener->answers.end(), is_unavailable));
  CHECK(f.link->counters().refused == 3);
  redis.resume();
  REQUIRE(f.listener->wait_answers(13));
  CHECK(std::count_if(f.listener->answers.begin(), f.listener->answers.end(), is_unavailable) == 3);
}

TEST_CASE("a link that is stopped answers what is under way, and is silent", "[redis_link]") {
  redis_process redis;
  fixture f(redis.shard());
  REQUIRE(f.listener->wait_up());
  redis.pause();
  for (int i = 0; i < 100; ++i)
    f.call("echo", {}, {});
  f.link->stop();
  REQUIRE(f.listener->wait_answers(100));
  CHECK(std::all_of(f.listener->answers.begin(), f.listener->answers.end(), is_unavailable));
  f.call("echo", {}, {});
  REQUIRE(f.listener->wait_answers(101));
  CHECK(is_unavailable(f.listener->answers[100]));
  CHECK(f.listener->downs.empty());
}

TEST_CASE("a link may be let go in the middle of everything", "[redis_link]") {
  redis_process redis;
  for (int i = 0; i < 20; ++i) {
    fixture f(redis.shard(), quick());
    if (i % 2) REQUIRE(f.listener->wait_up());
    for (int n = 0; n < i; ++n)
      f.call("echo", {}, {});
    f.link->subscribe({"a"});
  }
}

TEST_CASE("an io_context may end before its links were stopped", "[redis_link]") {
  redis_process redis;
  auto listener = std::make_shared<recorder>();
  auto io = std::make_unique<boost::asio::io_context>();
  auto link = make_redis_link(*io, redis.shard(), {}, {}, std::make_shared<script_set>(script_texts));
  link->start(listener);
  while (listener->ups == 0)
    io->run_one();
  link->call("echo", {}, {}, listener->answer());
  io->poll_one();
  link.reset();
  io.reset(); // what was posted is destroyed unrun
  CHECK(listener->downs.empty());
}

TEST_CASE("a link carries Redis' own commands among the calls, in their order", "[redis_link]") {
  redis_process redis;
  fixture f(redis.shard());
  REQUIRE(f.listener->wait_up());
  f.call("append", {"list"}, {"x"});
  f.link->command({"LLEN", "list"}, f.listener->answer());
  f.link->command({"INFO"}, f.listener->answer());
  f.link->command({"NOSUCHCOMMAND"}, f.listener->answer());
  REQUIRE(f.listener->wait_answers(4));
  CHECK(f.listener->answers[1].to_int() == 1);
  CHECK(f.listener->answers[2].to_string().find("used_memory:") != std::string::npos);
  CHECK(f.listener->answers[3].if_error());
  CHECK(f.link->counters().calls == 4);
  auto trips = f.link->counters().round_trips.counts();
  CHECK(std::accumulate(trips.begin(), trips.end(), std::uint64_t{0}) == 4);
}
