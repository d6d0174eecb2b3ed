#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "net/memory_database.hpp"

struct lua_State;
struct lua_Debug;

namespace starling::net {

/// Lua 5.1 as Redis embeds it: KEYS, ARGV, `redis.call`, `redis.pcall`, `redis.error_reply` and `redis.status_reply`,
/// with Redis' conversions both ways and its wording of errors. Of the libraries there are base, string, table and
/// math, without what reaches out of the sandbox or differs from run to run; globals cannot be made or changed.
///
/// Lua's errors are longjmps. So nothing that has a destructor lives on the stack of a function that Lua calls: words,
/// replies and results are members.
class memory_lua {
public:
  static constexpr std::size_t memory_max_bytes = 256 * 1024 * 1024; // beyond: the script fails
  static constexpr long instructions_max = 50'000'000;               // of one run, about a second; beyond: it fails
  static constexpr int result_depth_max = 8;                         // of tables; beyond: an error in their place

  /// Carries out a command; does not throw.
  using command_function = std::function<memory_reply(memory_words)>;

  explicit memory_lua(command_function command);
  ~memory_lua();
  memory_lua(const memory_lua&) = delete;
  memory_lua& operator=(const memory_lua&) = delete;

  /// Compiles a script under its SHA1. Returns what Redis would answer when it does not compile, else nil.
  redis_value load(const std::string& sha1, const std::string& text);
  redis_value run(const std::string& sha1, const std::vector<std::string>& keys, const std::vector<std::string>& args);

private:
  // Called by Lua.
  static void* allocate(void* self, void* block, std::size_t old_size, std::size_t new_size);
  static void count_instructions(lua_State* lua, lua_Debug*);
  static int open(lua_State* lua);
  static int compile(lua_State* lua);
  static int run_protected(lua_State* lua);
  static int redis_call(lua_State* lua);

  int do_call(lua_State* lua);
  void push_reply(lua_State* lua, const redis_value& value, bool is_status);
  void take_result(lua_State* lua, redis_value& into, int depth);
  void take_error(lua_State* lua);

  const command_function command_;
  std::size_t memory_used_ = 0;
  long instructions_ = 0;
  lua_State* lua_ = nullptr;

  // Of the job under way.
  const std::string* sha1_ = nullptr;
  const std::string* text_ = nullptr;
  const std::vector<std::string>* keys_ = nullptr;
  const std::vector<std::string>* args_ = nullptr;
  std::vector<std::string> words_;
  memory_reply reply_;
  redis_value result_;
};

} // namespace starling::net
