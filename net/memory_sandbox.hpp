#pragma once

struct lua_State;

/// What scripts find in the Lua of `memory_lua`. All of these may raise an error of Lua.
namespace starling::net {

/// Pushes the table of globals: base, string, table and math, without what reaches out of the sandbox or differs from
/// run to run, and `redis`. `redis_call` gets whether to return errors (`redis.pcall`) as its first upvalue.
void make_lua_globals(lua_State* lua, int (*redis_call)(lua_State*));

/// Replaces the table on the top by one that shows the same and cannot be changed.
void protect_lua_table(lua_State* lua);

/// Pushes {err = text}, as Redis' luaPushError: of "-CODE text" all but the dash, anything else is an ERR.
void push_lua_error(lua_State* lua, const char* text);

} // namespace starling::net
