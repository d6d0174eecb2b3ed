#include <catch2/catch.hpp>

#include "net/memory_redis.hpp"
#include "tests/support/redis_process.hpp"

using namespace starling;
using namespace starling::net;

namespace {

/// An answer as text that tells all types apart.
std::string shown(const redis_value& v) {
  if (v.is_nil()) return "nil";
  if (auto* error = v.if_error()) return "error<" + error->text + ">";
  if (auto* text = v.if_string()) return "'" + *text + "'";
  if (auto* items = v.if_array()) {
    std::string all = "[";
    for (auto& item : *items)
      all += shown(item) + " ";
    return all + "]";
  }
  return std::to_string(v.to_int());
}

struct step {
  std::string script;
  std::vector<std::string> args{};
};

/// Scripts that run one after the other on one keyspace; most make the commands that their texts show.
const std::vector<step>& contract() {
  static const std::vector<step> steps{
      // Conversions between Lua and Redis.
      {"return nil"},
      {"return true"},
      {"return false"},
      {"return 3.99"},
      {"return -3.99"},
      {"return 2^53"},
      {"return 'text'"},
      {"return {1, 'two', {3, false, 4}, nil, 5}"},
      {"return {}"},
      {"return {ok='fine'}"},
      {"return {err='MINE is wrong'}"},
      {"return {1, {err='ERR inner'}, {ok='inner'}}"},
      {"return redis.status_reply('fine')"},
      {"return redis.error_reply('STALE 7')"},
      {"return redis.error_reply('-STALE 7')"},
      {"return redis.error_reply('bare')"},
      {"return redis.error_reply()"},
      {"return {KEYS[1], KEYS[2], #KEYS, ARGV[1], ARGV[2], #ARGV}", {"a1", "a2"}},
      {"return type(redis.call('GET', 'nothing'))"},
      {"return type(redis.call('SET', 'k', 'v')) .. redis.call('SET', 'k', 'v').ok"},
      {"return {redis.call('GET', 'k'), type(redis.call('EXISTS', 'k'))}"},
      {"return redis.call('SET', 'n', 12)"},
      {"return redis.call('SET', 'n', 1.5)"},
      {"return redis.call('GET', 'n')"},
      {"redis.call('SET', 'n', 2^53 + 2) return redis.call('GET', 'n')"},
      {"redis.call('SET', 'n', 0.1) return redis.call('GET', 'n')"},
      {"return tostring(1e15) .. ' ' .. string.format('%.0f', 1e15) .. ' ' .. tonumber('12') + 1"},
      // What goes wrong.
      {"return redis.call('NOSUCH')"},
      {"return redis.call('GET')"},
      {"return redis.call('GET', 'a', 'b')"},
      {"return redis.call()"},
      {"return redis.call('GET', {})"},
      {"return redis.call('HGET', 'k', 'f')"},
      {"return redis.pcall('HGET', 'k', 'f')"},
      {"return redis.pcall('HGET', 'k', 'f').err"},
      {"local ok, e = pcall(redis.call, 'HGET', 'k', 'f') return {tostring(ok), e.err}"},
      {"local ok, e = pcall(redis.call, 'NOSUCH') return {tostring(ok), type(e), e}"},
      {"local ok, e = pcall(error, {other='x'}) return {tostring(ok), type(e)}"},
      {"return {select('#', pcall(function(...) return ... end, 1, nil, 3)), pcall(function() return 1, 2 end)}"},
      {"error('thrown')"},
      {"error({err='MY error'})"},
      {"\n\nlocal x = nil\nreturn x.y"},
      {"return nosuchglobal"},
      {"newglobal = 1"},
      {"local function deep(n) if n > 0 then return {deep(n - 1)} end return 1 end return deep(3)"},
      // Strings and keys.
      {"return redis.call('SET', 'k', 'v', 'NX')"},
      {"return redis.call('SET', 'fresh', 'v', 'NX', 'PX', 100000)"},
      {"return redis.call('SET', 'fresh', 'w', 'XX')"},
      {"return redis.call('SET', 'nothing', 'w', 'XX')"},
      {"return redis.call('SET', 'k', 'v', 'EX', 'x')"},
      {"return redis.call('SET', 'k', 'v', 'EX', 0)"},
      {"return redis.call('SET', 'k', 'v', 'PX')"},
      {"return redis.call('SET', 'k', 'v', 'NX', 'XX')"},
      {"return redis.call('set', 'k', 'v', 'ex', '10')"},
      {"return redis.call('EXISTS', 'k', 'k', 'nothing')"},
      {"return redis.call('PEXPIRE', 'k', 100000)"},
      {"return redis.call('PEXPIRE', 'nothing', 100000)"},
      {"return redis.call('PEXPIRE', 'k', 'x')"},
      {"return {redis.call('PEXPIRE', 'k', 0), redis.call('EXISTS', 'k')}"},
      {"return redis.call('DEL', 'n', 'fresh', 'nothing')"},
      {"return redis.call('PUBLISH', 'nobody', 'hears')"},
      {"local t = redis.call('TIME') return {#t, type(t[1]), type(t[2])}"},
      // Hashes.
      {"return redis.call('HSET', 'h', 'a', '1', 'b', '2')"},
      {"return redis.call('HSET', 'h', 'b', '3', 'c', '4')"},
      {"return redis.call('HSET', 'h', 'b')"},
      {"return redis.call('HSET', 'h', 'b', '1', 'c')"},
      {"return {redis.call('HGET', 'h', 'b'), redis.call('HGET', 'h', 'x')}"},
      {"return redis.call('HMGET', 'h', 'a', 'x', 'c')"},
      {"return redis.call('HMGET', 'nothing', 'a')"},
      {"return redis.call('HGETALL', 'h')"},
      {"return redis.call('HGETALL', 'nothing')"},
      {"return redis.call('HKEYS', 'h')"},
      {"return {redis.call('HLEN', 'h'), redis.call('HLEN', 'nothing'), redis.call('HEXISTS', 'h', 'a'), "
       "redis.call('HEXISTS', 'h', 'x')}"},
      {"return {redis.call('HINCRBY', 'h', 'a', 5), redis.call('HINCRBY', 'h', 'new', -2), redis.call('HGET', 'h', "
       "'a')}"},
      {"redis.call('HSET', 'h', 't', 'text') return redis.call('HINCRBY', 'h', 't', 1)"},
      {"return redis.call('HINCRBY', 'h', 'a', 'x')"},
      {"redis.call('HSET', 'h', 'big', '9223372036854775807') return redis.call('HINCRBY', 'h', 'big', 1)"},
      {"return redis.call('HDEL', 'h', 'a', 'x', 'b')"},
      {"return {redis.call('HDEL', 'h', 'c', 'new', 't', 'big'), redis.call('EXISTS', 'h')}"},
      // Sorted sets.
      {"return redis.call('ZADD', 'z', 1, 'a', 2, 'b', 3, 'c')"},
      {"return redis.call('ZADD', 'z', 'CH', 5, 'a', 2, 'b', 4, 'd')"},
      {"return {redis.call('ZADD', 'z', 'NX', 9, 'a'), redis.call('ZADD', 'z', 'XX', 9, 'new')}"},
      {"return {redis.call('ZADD', 'z', 'GT', 'CH', 4, 'a'), redis.call('ZADD', 'z', 'LT', 'CH', 4.5, 'a')}"},
      {"return redis.call('ZADD', 'z', 'x', 'a')"},
      {"return redis.call('ZADD', 'z', 1, 'a', 2)"},
      {"return redis.call('ZADD', 'z', 'NX', 'XX', 1, 'a')"},
      {"return redis.call('ZADD', 'z', 'GT', 'LT', 1, 'a')"},
      {"return {redis.call('ZSCORE', 'z', 'a'), redis.call('ZSCORE', 'z', 'x'), redis.call('ZSCORE', 'nothing', 'x'), "
       "1}"},
      {"return redis.call('ZRANGE', 'z', 0, -1, 'WITHSCORES')"},
      {"return {redis.call('ZRANGE', 'z', 1, 2), redis.call('ZRANGE', 'z', -2, -1), redis.call('ZRANGE', 'z', 9, 10), "
       "redis.call('ZRANGE', 'z', -100, 0), redis.call('ZRANGE', 'nothing', 0, -1)}"},
      {"return redis.call('ZRANGE', 'z', 'x', 1)"},
      {"return redis.call('ZRANGEBYSCORE', 'z', '-inf', '+inf', 'WITHSCORES')"},
      {"return {redis.call('ZRANGEBYSCORE', 'z', 2, 4), redis.call('ZRANGEBYSCORE', 'z', '(2', '(4'), "
       "redis.call('ZRANGEBYSCORE', 'z', 0, 9, 'LIMIT', 1, 2), redis.call('ZRANGEBYSCORE', 'z', 0, 9, 'LIMIT', 1, "
       "-1)}"},
      {"return redis.call('ZRANGEBYSCORE', 'z', 'x', 4)"},
      {"return redis.call('ZRANGEBYSCORE', 'z', 1, 4, 'LIMIT', 1)"},
      {"return {redis.call('ZREMRANGEBYSCORE', 'z', '(3', '+inf'), redis.call('ZCARD', 'z')}"},
      {"return {redis.call('ZREM', 'z', 'b', 'c', 'x'), redis.call('EXISTS', 'z'), redis.call('ZCARD', 'z')}"},
      {"for _, m in ipairs({'b', 'a', 'ab', 'c', 'B'}) do redis.call('ZADD', 'l', 0, m) end "
       "return redis.call('ZRANGEBYLEX', 'l', '-', '+')"},
      {"return {redis.call('ZRANGEBYLEX', 'l', '[a', '(b'), redis.call('ZRANGEBYLEX', 'l', '(a', '+', 'LIMIT', 0, 2), "
       "redis.call('ZRANGEBYLEX', 'l', '(a', '+', 'LIMIT', 1, -1), redis.call('ZRANGEBYLEX', 'l', '+', '-'), "
       "redis.call('ZRANGEBYLEX', 'nothing', '-', '+')}"},
      {"return redis.call('ZRANGEBYLEX', 'l', 'a', 'b')"},
      {"return redis.call('ZSCORE', 'l')"},
      {"redis.call('ZADD', 'f', 0.1, 'x', 1e20, 'y', '-inf', 'w') return redis.call('ZRANGE', 'f', 0, -1, "
       "'WITHSCORES')"},
      // Streams.
      {"return redis.call('XADD', 's', '5-*', 'text', 'zero')"},
      {"return redis.call('XADD', 's', '5-*', 'text', 'one')"},
      {"return redis.call('XADD', 's', '5-7', 'text', 'seven', 'more', '1')"},
      {"return redis.call('XADD', 's', '5-7', 'text', 'again')"},
      {"return redis.call('XADD', 's', '4-*', 'text', 'older')"},
      {"return redis.call('XADD', 's', '6-*', 'text', 'next epoch')"},
      {"return redis.call('XADD', 's', '6', 'text', 'incomplete')"},
      {"return redis.call('XADD', 's', '0-0', 'a', 'b')"},
      {"return redis.call('XADD', 'zero', '0-*', 'a', 'b')"},
      {"return redis.call('XADD', 's', 'x-y', 'a', 'b')"},
      {"return redis.call('XADD', 's', '7-*', 'a')"},
      {"return redis.call('XADD', 's', 'x-*', 'a', 'b', 'c')"},
      {"return redis.call('XADD', 'h', 'x-*', 'a', 'b')"},
      {"return redis.call('XADD', 'l', '7-*', 'a', 'b', 'c')"},
      {"return redis.call('XADD', 'l', '7-*', 'a', 'b')"},
      {"return redis.call('XADD', 's', '7-1', 'a', 'b', 'c')"},
      {"return redis.call('XADD', 's', 'NOMKSTREAM', '7-1', 'a', 'b')"},
      {"return redis.call('XADD', 'nothing', 'NOMKSTREAM', '7-1', 'a', 'b')"},
      {"return redis.call('XADD', 's', 'MAXLEN', -1, '8-*', 'a', 'b')"},
      {"return redis.call('XADD', 's', 'MAXLEN', 'x', '8-*', 'a', 'b')"},
      {"return redis.call('XRANGE', 's', '-', '+')"},
      {"return redis.call('XREVRANGE', 's', '+', '-', 'COUNT', 2)"},
      {"return {redis.call('XRANGE', 's', '5', '5'), redis.call('XRANGE', 's', '(5-1', '(6-0'), "
       "redis.call('XRANGE', 's', '5-1', '+', 'COUNT', 1), redis.call('XREVRANGE', 's', '(5-7', '-'), "
       "redis.call('XRANGE', 's', '+', '-'), redis.call('XRANGE', 'nothing', '-', '+')}"},
      {"return {type(redis.call('XRANGE', 's', '-', '+', 'COUNT', 0)), redis.call('XRANGE', 's', '-', '+', 'COUNT', "
       "-1)}"},
      {"return redis.call('XRANGE', 's', '(-', '+')"},
      {"return redis.call('XRANGE', 's', '-', '(0-0')"},
      {"return redis.call('XRANGE', 's', 'x', '+')"},
      {"return redis.call('XRANGE', 's', '-', '+', 'COUNT')"},
      {"return redis.call('XRANGE', 's', '-', '+', 'COUNT', 'x')"},
      {"return redis.call('XDEL', 's', '7-1', '9-9')"},
      {"return {redis.call('XLEN', 's'), redis.call('XADD', 's', '7-*', 'a', 'b')}"},
      {"return {redis.call('XADD', 's', 'MAXLEN', 2, '7-*', 'a', 'b'), redis.call('XLEN', 's'), "
       "redis.call('XADD', 's', 'MAXLEN', '=', 1, '7-*', 'a', 'b'), redis.call('XLEN', 's'), "
       "redis.call('XADD', 's', 'MAXLEN', '~', 1000, '7-*', 'a', 'b'), redis.call('XLEN', 's'), "
       "redis.call('XADD', 's', 'MAXLEN', 0, '7-*', 'a', 'b'), redis.call('EXISTS', 's'), "
       "redis.call('XADD', 's', '7-*', 'a', 'b')}"},
      {"return redis.call('XADD', 's', '18446744073709551615-18446744073709551615', 'a', 'b')"},
      {"return redis.call('XADD', 's', '18446744073709551615-*', 'a', 'b')"},
      {"return redis.call('XADD', 's', '*', 'a', 'b')"},
      {"return redis.call('XADD', 's', '1-1', 'a', 'b')"},
      {"redis.call('XADD', 'full', '5-18446744073709551615', 'a', 'b') return redis.call('XADD', 'full', '5-*', 'a', "
       "'b')"},
      {"return redis.call('XADD', 'clock', '*', 'a', 'b') < redis.call('XADD', 'clock', '*', 'a', 'b')"},
      {"return redis.call('XLEN', 'h')"},
      {"return redis.call('XLEN', 'l')"},
      {"return redis.call('GET', 'l')"},
      // No script, if there is none.
      {"this is not Lua"},
  };
  return steps;
}

struct fixture {
  std::int64_t now = 1'700'000'000'123;
  std::vector<std::string> published;
  memory_redis redis{[this] { return now; },
                     [this](const std::string& channel, const std::string& payload) {
                       published.push_back(channel + " " + payload);
                       return std::int64_t{3};
                     }};
  std::string run(const std::string& script) { return shown(redis.eval(script, {}, {})); }
};

} // namespace

TEST_CASE("the Redis in memory answers scripts as a real one does", "[memory_redis]") {
  starling::test::redis_process real;
  memory_redis memory([] { return std::int64_t{1'700'000'000'000}; });
  const std::vector<std::string> keys{"key 1", "key 2"};
  for (auto& [script, args] : contract()) {
    std::vector<std::string> words{"EVAL", script, "2"};
    words.insert(words.end(), keys.begin(), keys.end());
    words.insert(words.end(), args.begin(), args.end());
    INFO(script);
    CHECK(shown(memory.eval(script, keys, args)) == shown(real.command(words)));
  }
}

TEST_CASE("the Redis in memory lets keys expire", "[memory_redis]") {
  fixture f;
  f.run("redis.call('SET', 'a', '1', 'PX', 100)");
  f.run("redis.call('HSET', 'h', 'f', '1') redis.call('PEXPIRE', 'h', 200)");
  f.now += 100;
  CHECK(f.run("return {redis.call('EXISTS', 'a'), redis.call('EXISTS', 'h')}") == "[1 1 ]");
  f.now += 1;
  CHECK(f.run("return {redis.call('EXISTS', 'a'), redis.call('EXISTS', 'h')}") == "[0 1 ]");
  f.run("redis.call('PEXPIRE', 'h', 1000)");
  f.now += 200;
  CHECK(f.run("return redis.call('EXISTS', 'h')") == "1");
  f.run("redis.call('SET', 'a', '1', 'EX', 1) redis.call('SET', 'a', '2')");
  f.now += 5000;
  CHECK(f.run("return {redis.call('GET', 'a'), redis.call('EXISTS', 'h')}") == "['2' 0 ]");
}

TEST_CASE("the Redis in memory tells the time that it is given", "[memory_redis]") {
  fixture f;
  CHECK(f.run("return redis.call('TIME')") == "['1700000000' '123000' ]");
  CHECK(f.run("return redis.call('XADD', 's', '*', 'a', 'b')") == "'1700000000123-0'");
  CHECK(f.run("return redis.call('XADD', 's', '*', 'a', 'b')") == "'1700000000123-1'");
  f.now -= 1000; // a clock may go back, IDs may not
  CHECK(f.run("return redis.call('XADD', 's', '*', 'a', 'b')") == "'1700000000123-2'");
}

TEST_CASE("the Redis in memory publishes", "[memory_redis]") {
  fixture f;
  CHECK(f.run("return redis.call('PUBLISH', 'room', 'one')") == "3");
  CHECK(shown(f.redis.command({"publish", "room", "two"})) == "3");
  CHECK(f.published == std::vector<std::string>{"room one", "room two"});
}

TEST_CASE("the Redis in memory runs scripts by their SHA1", "[memory_redis]") {
  fixture f;
  const auto sha1 = f.redis.load("return ARGV[1]");
  CHECK(shown(sha1) == "'098e0f0d1448c0a81dafe820f66d460eb09263da'");
  CHECK(shown(f.redis.evalsha(*sha1.if_string(), {}, {"x"})) == "'x'");
  f.redis.forget_scripts();
  CHECK(shown(f.redis.evalsha(*sha1.if_string(), {}, {"x"})) == "error<NOSCRIPT No matching script. Please use EVAL.>");
}

TEST_CASE("a script in memory cannot leave its sandbox, nor run for ever", "[memory_redis]") {
  fixture f;
  for (auto* name : {"os", "io", "require", "load", "loadstring", "dofile", "debug", "setmetatable", "getmetatable",
                     "rawset", "collectgarbage", "_G", "setfenv", "getfenv", "newproxy", "print"})
    CHECK_THAT(f.run(std::string("return ") + name), Catch::Contains("nonexistent global"));
  CHECK_THAT(f.run("string.format = nil"), Catch::Contains("readonly"));
  CHECK_THAT(f.run("redis.call = nil"), Catch::Contains("readonly"));
  CHECK(f.run("return {type(string.dump), type(math.random)}") == "['nil' 'nil' ]");
  CHECK_THAT(f.run("while true do end"), Catch::Contains("too long"));
  CHECK_THAT(f.run("while true do pcall(function() while true do end end) end"), Catch::Contains("too long"));
  CHECK_THAT(f.run("return string.rep('x', 1024 * 1024 * 1024)"), Catch::Contains("not enough memory"));
  CHECK_THAT(f.run("local t = {} for i = 1, 100 do t = {t} end return t"), Catch::Contains("[[[[[[[["));
  CHECK_THAT(f.run("local function f() return f() + 1 end return f()"), Catch::Contains("stack overflow"));
  CHECK(f.run("return 'alive'") == "'alive'");
}
