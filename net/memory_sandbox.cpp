#include "net/memory_sandbox.hpp"

#include <array>
#include <cstring>

#include <lua.hpp>

namespace starling::net {

namespace {

int error_reply(lua_State* lua) {
  if (lua_gettop(lua) != 1 || lua_type(lua, 1) != LUA_TSTRING) {
    push_lua_error(lua, "wrong number or type of arguments");
    return 1;
  }
  const char* text = lua_tostring(lua, 1);
  push_lua_error(lua, *text == '-' ? text : lua_pushfstring(lua, "-%s", text));
  return 1;
}

int status_reply(lua_State* lua) {
  if (lua_gettop(lua) != 1 || lua_type(lua, 1) != LUA_TSTRING) {
    push_lua_error(lua, "wrong number or type of arguments");
    return 1;
  }
  lua_createtable(lua, 0, 1);
  lua_pushvalue(lua, 1);
  lua_setfield(lua, -2, "ok");
  return 1;
}

/// Who may do what: in memory there is nobody but us.
int acl_check_cmd(lua_State* lua) {
  lua_pushboolean(lua, 1);
  return 1;
}

/// Lua's pcall, but that the error which Redis' commands raise, a table, is returned as its text: so does Redis 7.
int protected_call(lua_State* lua) {
  luaL_checkany(lua, 1);
  lua_pushboolean(lua, 1);
  lua_insert(lua, 1);
  if (lua_pcall(lua, lua_gettop(lua) - 2, LUA_MULTRET, 0) == 0) return lua_gettop(lua);
  if (lua_istable(lua, -1)) {
    lua_getfield(lua, -1, "err");
    if (!lua_isstring(lua, -1)) lua_pop(lua, 1);
  }
  lua_pushboolean(lua, 0);
  lua_insert(lua, -2);
  return 2;
}

int no_such_global(lua_State* lua) {
  const char* name = lua_tostring(lua, 2);
  return luaL_error(lua, "Script attempted to access nonexistent global variable '%s'", name ? name : "?");
}

int read_only(lua_State* lua) { return luaL_error(lua, "Attempt to modify a readonly table"); }

void open_library(lua_State* lua, lua_CFunction open, const char* name) {
  lua_pushcfunction(lua, open);
  lua_pushstring(lua, name);
  lua_call(lua, 1, 0);
}

} // namespace

void protect_lua_table(lua_State* lua) {
  lua_createtable(lua, 0, 0);
  lua_createtable(lua, 0, 2);
  lua_pushvalue(lua, -3);
  lua_setfield(lua, -2, "__index");
  lua_pushcfunction(lua, read_only);
  lua_setfield(lua, -2, "__newindex");
  lua_setmetatable(lua, -2);
  lua_remove(lua, -2);
}

void push_lua_error(lua_State* lua, const char* text) {
  bool has_code = false;
  lua_createtable(lua, 0, 1);
  if (*text == '-') {
    ++text;
    has_code = std::strchr(text, ' ') != nullptr;
  }
  if (has_code)
    lua_pushstring(lua, text);
  else
    lua_pushfstring(lua, "ERR %s", text);
  lua_setfield(lua, -2, "err");
}

void make_lua_globals(lua_State* lua, lua_CFunction redis_call) {
  open_library(lua, luaopen_base, "");
  open_library(lua, luaopen_string, LUA_STRLIBNAME);
  open_library(lua, luaopen_table, LUA_TABLIBNAME);
  open_library(lua, luaopen_math, LUA_MATHLIBNAME);

  lua_createtable(lua, 0, 24); // what scripts see as globals
  for (const char* name :
       {"assert", "error", "ipairs", "next", "pairs", "select", "tonumber", "tostring", "type", "unpack", "xpcall"}) {
    lua_getglobal(lua, name);
    lua_setfield(lua, -2, name);
  }
  lua_pushcfunction(lua, protected_call);
  lua_setfield(lua, -2, "pcall");
  constexpr std::array<std::array<const char*, 2>, 3> taken_away{
      {{"string", "dump"}, {"math", "random"}, {"math", "randomseed"}}};
  for (auto& [library, name] : taken_away) {
    lua_getglobal(lua, library);
    lua_pushnil(lua);
    lua_setfield(lua, -2, name);
    lua_pop(lua, 1);
  }
  for (const char* library : {"string", "table", "math"}) {
    lua_getglobal(lua, library);
    protect_lua_table(lua);
    lua_setfield(lua, -2, library);
  }
  lua_createtable(lua, 0, 5);
  for (const bool caught : {false, true}) {
    lua_pushboolean(lua, caught);
    lua_pushcclosure(lua, redis_call, 1);
    lua_setfield(lua, -2, caught ? "pcall" : "call");
  }
  lua_pushcfunction(lua, error_reply);
  lua_setfield(lua, -2, "error_reply");
  lua_pushcfunction(lua, status_reply);
  lua_setfield(lua, -2, "status_reply");
  lua_pushcfunction(lua, acl_check_cmd);
  lua_setfield(lua, -2, "acl_check_cmd");
  protect_lua_table(lua);
  lua_setfield(lua, -2, "redis");

  lua_createtable(lua, 0, 1);
  lua_pushcfunction(lua, no_such_global);
  lua_setfield(lua, -2, "__index");
  lua_setmetatable(lua, -2);
}

} // namespace starling::net
