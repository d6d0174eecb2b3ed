#include <deque>
#include <thread>

#include <catch2/catch.hpp>

#include "net/memory_link.hpp"

using namespace starling;
using namespace starling::net;

namespace {

const auto scripts = std::make_shared<script_set>(std::map<std::string, std::string>{
    {"append", "return redis.call('HINCRBY', KEYS[1], 'n', 1)"},
    {"publish", "return redis.call('PUBLISH', KEYS[1], ARGV[1])"},
    {"broken", "this is not Lua"},
});

struct recorder : redis_listener {
  void cut(const std::string&) override {}
  void mended() override {}
  void up() override { heard.push_back("up"); }
  void down(const std::string& reason) override { heard.push_back("down " + reason); }
  void subscribed(std::vector<std::string> channels) override {
    for (auto& channel : channels)
      heard.push_back("subscribed " + channel);
  }
  void published(std::vector<publication> what) override {
    ++batches;
    for (auto& one : what)
      heard.push_back(one.channel + " " + one.payload);
  }
  redis_link::reply_handler answer() {
    return [this](redis_value v) { heard.push_back("answer " + (v.if_error() ? v.if_error()->text : v.to_string())); };
  }
  std::vector<std::string> take() { return std::exchange(heard, {}); }

  std::vector<std::string> heard;
  int batches = 0;
};

using lines = std::vector<std::string>;

/// Two links to one server, whose functions the test runs itself.
struct fixture {
  std::shared_ptr<memory_link> make_link(std::size_t waiting_max = 100) {
    return make_memory_link(
        server, [this](auto f) { posted.push_back(std::move(f)); }, scripts, waiting_max);
  }
  void run() {
    while (!posted.empty()) {
      auto next = std::move(posted.front());
      posted.pop_front();
      next();
    }
  }

  std::deque<std::function<void()>> posted;
  std::shared_ptr<memory_server> server = std::make_shared<memory_server>([] { return std::int64_t{1000}; });
  std::shared_ptr<recorder> a = std::make_shared<recorder>(), b = std::make_shared<recorder>();
};

} // namespace

TEST_CASE("links in memory share a server", "[memory_link]") {
  fixture f;
  auto a = f.make_link(), b = f.make_link();
  a->start(f.a);
  b->start(f.b);
  CHECK(f.a->heard.empty()); // nothing happens within a call
  f.run();
  b->subscribe({"room"});
  f.run();
  a->call("append", {"key"}, {}, f.a->answer());
  b->call("append", {"key"}, {}, f.b->answer());
  a->call("publish", {"room"}, {"one"}, f.a->answer());
  a->call("publish", {"room"}, {"two"}, f.a->answer());
  f.run();
  CHECK(f.a->take() == lines{"up", "answer 1", "answer 1", "answer 1"});
  CHECK(f.b->take() == lines{"up", "subscribed room", "answer 2", "room one", "room two"});
  CHECK(f.b->batches == 1);
  b->unsubscribe({"room"});
  a->call("publish", {"room"}, {"three"}, f.a->answer());
  f.run();
  CHECK(f.a->take() == lines{"answer 0"});
  CHECK(f.b->take().empty());
}

TEST_CASE("a link in memory goes down and comes up as a real one", "[memory_link]") {
  fixture f;
  auto link = f.make_link();
  link->call("append", {"key"}, {}, f.a->answer());
  link->start(f.a);
  f.run();
  CHECK(f.a->take() == lines{"answer UNAVAILABLE the link is down", "up"});
  link->subscribe({"room"});
  f.run();
  f.a->take();
  link->call("append", {"key"}, {}, f.a->answer());
  link->call("publish", {"room"}, {"x"}, f.a->answer());
  link->fail("pulled");
  link->call("append", {"key"}, {}, f.a->answer());
  f.server->command({"PUBLISH", "room", "nobody hears"});
  f.run();
  CHECK(f.a->take() == lines{"answer UNAVAILABLE pulled", "answer UNAVAILABLE pulled", "down pulled",
                             "answer UNAVAILABLE the link is down"});
  link->recover();
  f.run();
  f.server->command({"PUBLISH", "room", "still nobody"}); // subscriptions are gone
  link->call("append", {"key"}, {}, f.a->answer());
  f.run();
  CHECK(f.a->take() == lines{"up", "answer 1"});
}

TEST_CASE("a link in memory loses publications on demand", "[memory_link]") {
  fixture f;
  auto link = f.make_link();
  link->start(f.a);
  f.run();
  link->subscribe({"room"});
  f.run();
  f.a->take();
  link->drop_publications(2);
  for (auto* text : {"1", "2", "3"})
    f.server->command({"PUBLISH", "room", text});
  f.run();
  CHECK(f.a->take() == lines{"room 3"});
  CHECK(link->dropped_publications() == 2);
}

TEST_CASE("a link in memory has a bound on the calls that wait", "[memory_link]") {
  fixture f;
  auto link = f.make_link(2);
  link->start(f.a);
  f.run();
  for (int i = 0; i < 3; ++i)
    link->call("append", {"key"}, {}, f.a->answer());
  f.run();
  link->call("append", {"key"}, {}, f.a->answer());
  f.run();
  CHECK(f.a->take() ==
        lines{"up", "answer 1", "answer 2", "answer UNAVAILABLE too many calls are waiting", "answer 3"});
  CHECK(link->refused_calls() == 1);
}

TEST_CASE("a link in memory tells of scripts that are none", "[memory_link]") {
  fixture f;
  auto link = f.make_link();
  link->start(f.a);
  f.run();
  link->call("nosuch", {}, {}, f.a->answer());
  link->call("broken", {}, {}, f.a->answer());
  f.run();
  REQUIRE(f.a->heard.size() == 3);
  CHECK_THAT(f.a->heard[1], Catch::StartsWith("answer UNAVAILABLE there is no script nosuch"));
  CHECK_THAT(f.a->heard[2], Catch::StartsWith("answer ERR Error compiling script"));
}

TEST_CASE("a link in memory that is stopped answers what waits, and is silent", "[memory_link]") {
  fixture f;
  auto link = f.make_link();
  link->start(f.a);
  link->subscribe({"room"});
  f.run();
  f.a->take();
  link->call("append", {"key"}, {}, f.a->answer());
  f.server->command({"PUBLISH", "room", "x"});
  link->stop();
  link->call("append", {"key"}, {}, f.a->answer());
  link->recover();
  f.run();
  CHECK(f.a->take() == lines{"answer UNAVAILABLE the link is stopped", "answer UNAVAILABLE the link is down"});
  CHECK(f.a.use_count() == 1);
}

TEST_CASE("links in memory are used by many threads", "[memory_link]") {
  auto server = std::make_shared<memory_server>([] { return std::int64_t{1000}; });
  std::atomic<int> answers = 0;
  auto listener = std::make_shared<recorder>();
  { // posted functions run where they are posted: the harshest executor
    auto link = make_memory_link(
        server, [](auto f) { f(); }, scripts);
    link->start(listener);
    link->subscribe({"room"});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 500; ++i)
          link->call("publish", {"room"}, {"x"}, [&](redis_value) { ++answers; });
      });
    for (auto& thread : threads)
      thread.join();
  }
  CHECK(answers == 2000);
  CHECK(listener->heard.size() == 2002); // up, subscribed, and the publications
}
