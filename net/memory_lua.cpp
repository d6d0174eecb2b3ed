#include "net/memory_lua.hpp"
#include "net/memory_sandbox.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <stdexcept>

#include <lua.hpp>

namespace starling::net {

namespace {

constexpr const char* globals_key = "starling.globals";

constexpr int hook_step = 10'000; // instructions between two looks at their number

memory_lua& self_of(lua_State* lua) {
  void* self = nullptr;
  lua_getallocf(lua, &self);
  return *static_cast<memory_lua*>(self);
}

/// Makes a table of whatever was raised, and notes where.
int note_position(lua_State* lua) {
  if (lua_type(lua, 1) != LUA_TTABLE) {
    const char* text = lua_tostring(lua, 1);
    lua_createtable(lua, 0, 3);
    lua_pushfstring(lua, "ERR %s", text ? text : lua_typename(lua, lua_type(lua, 1)));
    lua_setfield(lua, -2, "err");
    lua_replace(lua, 1);
  }
  lua_Debug where{};
  for (int level = 1; level <= 2 && lua_getstack(lua, level, &where); ++level) {
    lua_getinfo(lua, "Sl", &where);
    if (*where.what != 'C') break;
  }
  if (where.source) {
    lua_pushstring(lua, where.source);
    lua_setfield(lua, 1, "source");
    lua_pushinteger(lua, where.currentline);
    lua_setfield(lua, 1, "line");
  }
  lua_settop(lua, 1);
  return 1;
}

std::int64_t truncated(lua_Number number) {
  // What the cast does on x86-64, where Redis leaves it undefined.
  if (!(number >= -9223372036854775808.0 && number < 9223372036854775808.0))
    return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(number);
}

void push_strings(lua_State* lua, const std::vector<std::string>& all) {
  lua_createtable(lua, static_cast<int>(all.size()), 0);
  for (std::size_t i = 0; i < all.size(); ++i) {
    lua_pushlstring(lua, all[i].data(), all[i].size());
    lua_rawseti(lua, -2, static_cast<int>(i + 1));
  }
}

} // namespace

memory_lua::memory_lua(command_function command) : command_(std::move(command)) {
  lua_ = lua_newstate(allocate, this);
  if (!lua_ || lua_cpcall(lua_, open, this) != 0) throw std::runtime_error("Lua cannot be started");
}

memory_lua::~memory_lua() { lua_close(lua_); }

void* memory_lua::allocate(void* self, void* block, std::size_t old_size, std::size_t new_size) {
  auto& used = static_cast<memory_lua*>(self)->memory_used_;
  if (new_size == 0) {
    used -= old_size;
    std::free(block);
    return nullptr;
  }
  if (new_size > old_size && used + (new_size - old_size) > memory_max_bytes) return nullptr;
  void* moved = std::realloc(block, new_size);
  if (moved) used = used - old_size + new_size;
  return moved;
}

void memory_lua::count_instructions(lua_State* lua, lua_Debug*) {
  auto& left = self_of(lua).instructions_;
  left -= hook_step;
  if (left > 0) return;
  lua_sethook(lua, count_instructions, LUA_MASKCOUNT, 1); // so that a pcall in the script does not go on
  luaL_error(lua, "the script runs too long");
}

int memory_lua::open(lua_State* lua) {
  make_lua_globals(lua, redis_call);
  lua_setfield(lua, LUA_REGISTRYINDEX, globals_key);
  return 0;
}

redis_value memory_lua::load(const std::string& sha1, const std::string& text) {
  sha1_ = &sha1;
  text_ = &text;
  result_ = {};
  if (lua_cpcall(lua_, compile, this) != 0) {
    const char* why = lua_tostring(lua_, -1);
    result_ = redis_value::error{std::string("ERR Error compiling script (new function): ") + (why ? why : "?")};
    lua_pop(lua_, 1);
  }
  return std::move(result_);
}

int memory_lua::compile(lua_State* lua) {
  auto& self = self_of(lua);
  if (luaL_loadbuffer(lua, self.text_->data(), self.text_->size(), "@user_script") != 0) return lua_error(lua);
  lua_getfield(lua, LUA_REGISTRYINDEX, globals_key);
  protect_lua_table(lua);
  lua_setfenv(lua, -2);
  lua_setfield(lua, LUA_REGISTRYINDEX, self.sha1_->c_str());
  return 0;
}

redis_value memory_lua::run(const std::string& sha1, const std::vector<std::string>& keys,
                            const std::vector<std::string>& args) {
  sha1_ = &sha1;
  keys_ = &keys;
  args_ = &args;
  result_ = {};
  instructions_ = instructions_max;
  lua_sethook(lua_, count_instructions, LUA_MASKCOUNT, hook_step);
  if (lua_cpcall(lua_, run_protected, this) != 0) {
    const char* why = lua_tostring(lua_, -1);
    result_ = redis_value::error{"ERR Error running script " + sha1 + ": " + (why ? why : "?")};
    lua_pop(lua_, 1);
  }
  lua_sethook(lua_, nullptr, 0, 0);
  return std::move(result_);
}

int memory_lua::run_protected(lua_State* lua) {
  auto& self = self_of(lua);
  lua_getfield(lua, LUA_REGISTRYINDEX, globals_key);
  push_strings(lua, *self.keys_);
  lua_setfield(lua, -2, "KEYS");
  push_strings(lua, *self.args_);
  lua_setfield(lua, -2, "ARGV");
  lua_pushcfunction(lua, note_position);
  lua_getfield(lua, LUA_REGISTRYINDEX, self.sha1_->c_str());
  const bool failed = lua_pcall(lua, 0, 1, -2) != 0;
  lua_sethook(lua, nullptr, 0, 0);
  if (failed)
    self.take_error(lua);
  else
    self.take_result(lua, self.result_, 0);
  return 0;
}

int memory_lua::redis_call(lua_State* lua) {
  const bool caught = lua_toboolean(lua, lua_upvalueindex(1)) != 0;
  const int failed = self_of(lua).do_call(lua);
  if (failed && !caught) return lua_error(lua);
  return 1;
}

/// Leaves the reply on the stack; returns whether it is an error.
int memory_lua::do_call(lua_State* lua) {
  const int count = lua_gettop(lua);
  if (count == 0) {
    push_lua_error(lua, "Please specify at least one argument for this redis lib call");
    return 1;
  }
  words_.resize(static_cast<std::size_t>(count));
  for (int i = 1; i <= count; ++i) {
    auto& word = words_[static_cast<std::size_t>(i - 1)];
    if (lua_type(lua, i) == LUA_TNUMBER) {
      std::array<char, 40> text;
      std::snprintf(text.data(), text.size(), "%.17g", lua_tonumber(lua, i));
      word = text.data();
    } else if (lua_type(lua, i) == LUA_TSTRING) {
      std::size_t size = 0;
      const char* text = lua_tolstring(lua, i, &size);
      word.assign(text, size);
    } else {
      push_lua_error(lua, "Lua redis lib command arguments must be strings or integers");
      return 1;
    }
  }
  lua_settop(lua, 0);
  reply_ = command_(words_);
  push_reply(lua, reply_.value, reply_.is_status);
  return reply_.value.if_error() != nullptr;
}

void memory_lua::push_reply(lua_State* lua, const redis_value& value, bool is_status) {
  luaL_checkstack(lua, 4, "a reply nests too deeply");
  if (auto* number = std::get_if<std::int64_t>(&value.data)) {
    lua_pushnumber(lua, static_cast<lua_Number>(*number));
  } else if (auto* text = value.if_string()) {
    if (is_status) lua_createtable(lua, 0, 1);
    lua_pushlstring(lua, text->data(), text->size());
    if (is_status) lua_setfield(lua, -2, "ok");
  } else if (auto* items = value.if_array()) {
    lua_createtable(lua, static_cast<int>(items->size()), 0);
    for (std::size_t i = 0; i < items->size(); ++i) {
      push_reply(lua, (*items)[i], false);
      lua_rawseti(lua, -2, static_cast<int>(i + 1));
    }
  } else if (auto* error = value.if_error()) {
    lua_createtable(lua, 0, 1);
    lua_pushlstring(lua, error->text.data(), error->text.size());
    lua_setfield(lua, -2, "err");
  } else {
    lua_pushboolean(lua, 0);
  }
}

/// Converts the value on the top, and pops it.
void memory_lua::take_result(lua_State* lua, redis_value& into, int depth) {
  std::size_t size = 0;
  switch (lua_type(lua, -1)) {
  case LUA_TSTRING: {
    const char* text = lua_tolstring(lua, -1, &size);
    into.data.emplace<std::string>(text, size);
    break;
  }
  case LUA_TBOOLEAN:
    if (lua_toboolean(lua, -1)) into.data = std::int64_t{1};
    break;
  case LUA_TNUMBER:
    into.data = truncated(lua_tonumber(lua, -1));
    break;
  case LUA_TTABLE: {
    for (const char* name : {"err", "ok"}) {
      luaL_checkstack(lua, 4, "a result nests too deeply");
      lua_pushstring(lua, name);
      lua_rawget(lua, -2);
      const char* text = lua_type(lua, -1) == LUA_TSTRING ? lua_tolstring(lua, -1, &size) : nullptr;
      if (text && *name == 'e')
        into.data = redis_value::error{{text, size}};
      else if (text)
        into.data.emplace<std::string>(text, size);
      lua_pop(lua, 1);
      if (text) {
        lua_pop(lua, 1);
        return;
      }
    }
    if (depth == result_depth_max) {
      into.data = redis_value::error{"ERR the script's result nests too deeply"};
      break;
    }
    auto& items = into.data.emplace<redis_value::array>();
    for (int i = 1;; ++i) {
      lua_rawgeti(lua, -1, i);
      if (lua_isnil(lua, -1)) break;
      take_result(lua, items.emplace_back(), depth + 1);
    }
    lua_pop(lua, 1);
    break;
  }
  default:
    break; // nil, functions: nil
  }
  lua_pop(lua, 1);
}

/// Words the error on the top as Redis does.
void memory_lua::take_error(lua_State* lua) {
  if (!lua_istable(lua, -1)) { // out of memory: `note_position` was not called
    const char* text = lua_tostring(lua, -1);
    result_ = redis_value::error{"ERR Error running script " + *sha1_ + ", " + (text ? text : "execution failure")};
    return;
  }
  lua_getfield(lua, -1, "err");
  lua_getfield(lua, -2, "source");
  lua_getfield(lua, -3, "line");
  const char* text = lua_tostring(lua, -3);
  const char* source = lua_tostring(lua, -2);
  const char* line = lua_tostring(lua, -1);
  std::string whole = text ? text : "ERR unknown error";
  if (source && line) whole += " script: " + *sha1_ + ", on " + source + ":" + line + ".";
  result_ = redis_value::error{std::move(whole)};
}

} // namespace starling::net
