#include <condition_variable>
#include <mutex>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include "net/redis_link.hpp"
#include "tests/support/redis_process.hpp"

using namespace starling;
using namespace starling::net;
using namespace std::chrono_literals;
using starling::test::redis_process;

namespace {

const std::map<std::string, std::string> script_texts{
    {"echo", "return ARGV"},
    {"append", "return redis.call('RPUSH', KEYS[1], ARGV[1])"},
    {"publish", "return redis.call('PUBLISH', KEYS[1], ARGV[1])"},
    {"fails", "return redis.error_reply('STALE 7')"},
};

/// What a listener and reply handlers were told, to be waited for.
class recorder : public redis_listener {
public:
  void up() override {
    note([&] { ++ups; });
  }
  void down(const std::string& reason) override {
    note([&] { downs.push_back(reason); });
  }
  void cut(const std::string& reason) override {
    note([&] { cuts.push_back(reason); });
  }
  void mended() override {
    note([&] { ++mends; });
  }
  void subscribed(std::vector<std::string> channels) override {
    note([&] { confirmed.insert(confirmed.end(), channels.begin(), channels.end()); });
  }
  void published(std::vector<publication> what) override {
    note([&] { publications.insert(publications.end(), what.begin(), what.end()); });
  }
  redis_link::reply_handler answer() {
    return [this](redis_value v) { note([&] { answers.push_back(std::move(v)); }); };
  }
  /// Waits for a condition, which is looked at under the lock.
  template <class F>
  bool wait(F condition, std::chrono::milliseconds limit = 10s) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] { return condition(); });
  }
  bool wait_up(int count = 1) {
    return wait([&] { return ups >= count; });
  }
  bool wait_down(std::size_t count = 1) {
    return wait([&] { return downs.size() >= count; });
  }
  bool wait_answers(std::size_t count) {
    return wait([&] { return answers.size() >= count; });
  }

  int ups = 0, mends = 0;
  std::vector<std::string> downs, cuts, confirmed;
  std::vector<publication> publications;
  std::vector<redis_value> answers;

  /// Whether two calls came at one time, which would be the link's fault.
  std::atomic<bool> concurrent = false;

private:
  template <class F>
  void note(F f) {
    if (inside_.exchange(true)) concurrent = true;
    {
      std::lock_guard lock(mutex_);
      f();
    }
    inside_ = false;
    changed_.notify_all();
  }

  std::atomic<bool> inside_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
};

redis_settings quick() {
  redis_settings s;
  s.answer = 300ms;
  s.silence = 100ms;
  s.backoff_min = 5ms;
  s.backoff_max = 20ms;
  return s;
}

/// An io_context with two threads, and a link on it.
struct fixture {
  explicit fixture(const shard_settings& shard, redis_settings settings = {}, std::string password = {})
      : listener(std::make_shared<recorder>()),
        link(make_redis_link(io, shard, settings, std::move(password), std::make_shared<script_set>(script_texts))) {
    for (auto& thread : threads)
      thread = std::thread([this] { io.run(); });
    link->start(listener);
  }
  ~fixture() {
    link.reset();
    work.reset();
    for (auto& thread : threads)
      thread.join();
    CHECK_FALSE(listener->concurrent);
  }
  void call(std::string_view script, std::vector<std::string> keys, std::vector<std::string> args) {
    link->call(script, std::move(keys), std::move(args), listener->answer());
  }

  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
  std::shared_ptr<recorder> listener;
  std::shared_ptr<hiredis_link> link;
  std::array<std::thread, 2> threads;
};

/// For conditions that nobody tells of: looks until it holds.
template <class F>
bool eventually(F condition) {
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

bool is_unavailable(const redis_value& v) { return v.if_error() && v.if_error()->text.starts_with("UNAVAILABLE"); }

} // namespace

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
