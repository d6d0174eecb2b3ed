#include "net/memory_redis.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "net/scripts.hpp"

namespace starling::net {

namespace {

const memory_command* find_command(const std::string& name) {
  static const auto all = [] {
    std::map<std::string_view, memory_command> table;
    for (auto commands :
         {memory_string_commands(), memory_hash_commands(), memory_sorted_set_commands(), memory_stream_commands()})
      for (auto& command : commands)
        table.emplace(command.name, command);
    return table;
  }();
  std::string upper = name;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  auto found = all.find(upper);
  return found == all.end() ? nullptr : &found->second;
}

bool fits(int arity, std::size_t words) {
  return arity < 0 ? words >= static_cast<std::size_t>(-arity) : words == static_cast<std::size_t>(arity);
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (auto& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

redis_value error(std::string text) { return redis_value::error{std::move(text)}; }

} // namespace

memory_redis::memory_redis(clock_function clock, publish_function publish)
    : clock_(std::move(clock)), database_(std::move(publish)),
      lua_([this](memory_words words) { return run(words, true); }) {}

redis_value memory_redis::command(const std::vector<std::string>& words) {
  if (words.empty()) return error("ERR no command");
  database_.set_now(clock_());
  return run(words, false).value;
}

memory_reply memory_redis::run(memory_words words, bool from_script) {
  const auto* command = find_command(words[0]);
  if (!command)
    return {
        error(from_script ? "ERR Unknown Redis command called from script" : "ERR unknown command '" + words[0] + "'")};
  if (!fits(command->arity, words.size()))
    return {error(from_script ? "ERR Wrong number of args calling Redis command from script"
                              : "ERR wrong number of arguments for '" + lower(command->name) + "' command")};
  try {
    return command->run(database_, words);
  } catch (const memory_error& failed) {
    return {error(failed.text)};
  }
}

redis_value memory_redis::load(const std::string& text) {
  auto sha1 = sha1_hex(text);
  if (loaded_.contains(sha1)) return sha1;
  if (auto failed = lua_.load(sha1, text); failed.if_error()) return failed;
  loaded_.insert(sha1);
  return sha1;
}

redis_value memory_redis::evalsha(const std::string& sha1, const std::vector<std::string>& keys,
                                  const std::vector<std::string>& args) {
  if (!loaded_.contains(sha1)) return error("NOSCRIPT No matching script. Please use EVAL.");
  database_.set_now(clock_());
  return lua_.run(sha1, keys, args);
}

redis_value memory_redis::eval(const std::string& text, const std::vector<std::string>& keys,
                               const std::vector<std::string>& args) {
  const auto sha1 = load(text);
  return sha1.if_error() ? sha1 : evalsha(*sha1.if_string(), keys, args);
}

void memory_redis::forget_scripts() { loaded_.clear(); }

void memory_redis::clear() { database_.clear(); }

} // namespace starling::net
