-- Stands before every script. KEYS[1] is always the shard's own record, ARGV[1] the epoch of the caller's slot table:
-- a caller whose table is not this shard's is told so, and writes nothing. Only shard_claim needs no table ("-").
local table_epoch = redis.call('HGET', KEYS[1], 'epoch')
if table_epoch ~= ARGV[1] and ARGV[1] ~= '-' then
  return redis.error_reply('STALE ' .. (table_epoch or '0'))
end
local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
local function id(number)
  return string.format('%.0f', number)
end

-- Counts that some feed of this shard has moved, as every script does that moves one: who finds the same count again
-- need not look at any of them (see changes.lua).
local function count_change()
  redis.call('HINCRBY', KEYS[1], 'changes', 1)
end

-- Starts a newer epoch of a room's log behind `seq`, the highest number given out before. The marker entry makes
-- Redis count on from there (`<epoch>-*`), and goes again.
local function begin_epoch(info, epochs, log, old, seq)
  local new = id(math.max(now_ms(), tonumber(old) + 1))
  redis.call('HSET', info, 'epoch', new, 'base', seq)
  count_change()
  redis.call('ZADD', epochs, new, new)
  redis.call('XDEL', log, redis.call('XADD', log, new .. '-' .. id(seq), 'begin', ''))
  return new
end

-- The last number of a room's log; `base` where the epoch has no entry yet.
local function last_seq(info, log, epoch)
  local newest = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  if newest then
    local e, s = string.match(newest[1], '^(%d+)-(%d+)$')
    if e == epoch then
      return s
    end
  end
  return redis.call('HGET', info, 'base')
end

-- What an application's servers do by themselves (`system_user` in chat/requests.hpp): no user can have this name, it is
-- nowhere a member, and may do what an owner may.
local system = '@system'

local function role_of(members, roles, user)
  if not redis.call('ZSCORE', members, user) then
    return 'none'
  end
  return redis.call('HGET', roles, user) or 'member'
end

-- What a room is to one user: {kind, title, epoch, seq, members, version, role}.
local function describe(info, members, roles, log, user)
  local i = redis.call('HMGET', info, 'kind', 'title', 'epoch', 'version')
  return {i[1], i[2], i[3], last_seq(info, log, i[3]), redis.call('ZCARD', members), i[4], role_of(members, roles, user)}
end

-- Puts a user among a room's members, or changes the role, and tells the room. Members without an entry in `roles`
-- are plain members. `by` is who did it.
local function set_member(channel, info, members, roles, user, role, change, by)
  redis.call('ZADD', members, 0, user)
  if role == 'member' then
    redis.call('HDEL', roles, user)
  else
    redis.call('HSET', roles, user, role)
  end
  local version = redis.call('HINCRBY', info, 'version', 1)
  count_change()
  redis.call('PUBLISH', channel, 'c ' .. version .. ' ' .. change .. ' ' .. user .. ' ' .. by .. ' ' .. role)
end

local function unset_member(channel, info, members, roles, user, change, by)
  redis.call('ZREM', members, user)
  redis.call('HDEL', roles, user)
  local version = redis.call('HINCRBY', info, 'version', 1)
  count_change()
  redis.call('PUBLISH', channel, 'c ' .. version .. ' ' .. change .. ' ' .. user .. ' ' .. by .. ' none')
end

-- Makes a room with an empty log.
local function make_room(info, epochs, log, kind, title)
  redis.call('HSET', info, 'kind', kind, 'title', title, 'version', 0)
  begin_epoch(info, epochs, log, '0', 0)
end

local function count_owners(roles)
  local owners = 0
  local all = redis.call('HGETALL', roles)
  for i = 2, #all, 2 do
    owners = owners + (all[i] == 'owner' and 1 or 0)
  end
  return owners
end

-- When a user was seen last, and the nodes that the user is connected to. What a node noted counts only while that
-- node holds its lease; what one without a lease left behind is cleared away after a minute.
local function presence_of(leases, user, nodes, now)
  local seen = redis.call('HGET', user, 'seen') or '0'
  local online = {}
  for _, node in ipairs(redis.call('HKEYS', nodes)) do
    local ends = tonumber(redis.call('ZSCORE', leases, node) or '0')
    if ends >= now then
      online[#online + 1] = node
    else
      if ends > tonumber(seen) then
        seen = id(ends)
      end
      if ends < now - 60000 then
        redis.call('HDEL', nodes, node)
        redis.call('HSET', user, 'seen', seen)
      end
    end
  end
  return seen, online
end
