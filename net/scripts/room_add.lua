-- Adds a member, or changes a member's role. Owners and the system may give any role; moderators may add plain members.
-- KEYS: shard, info, members, roles, log
-- ARGV: table epoch, channel, by, user, role ("" = member, and no change of who is one), members allowed
-- Answers {seq of the log's end}; 'OK' if nothing changed, 'ABSENT', 'FORBIDDEN', 'FULL', 'LAST'.
local info, members, roles, log = KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local channel, by, user, role, allowed = ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local rank = by == system and 'owner' or role_of(members, roles, by)
local kind = redis.call('HGET', info, 'kind')
if not kind or (rank == 'none' and kind ~= 'public') then
  return 'ABSENT'
end
local before = role_of(members, roles, user)
if before ~= 'none' and (role == '' or role == before) and (rank == 'owner' or rank == 'moderator') then
  return 'OK'
end
local plain = role == '' or role == 'member'
local may = rank == 'owner' or (rank == 'moderator' and plain and before == 'none')
if not may or kind == 'dialogue' then
  return 'FORBIDDEN'
end
if before == 'none' and redis.call('ZCARD', members) >= allowed then
  return 'FULL'
end
if before == 'owner' then
  -- A room always has an owner: the last one cannot be made less.
  if count_owners(roles) == 1 then
    return 'LAST'
  end
end
set_member(channel, info, members, roles, user, role == '' and 'member' or role, before == 'none' and 'added' or 'role', by)
if before ~= 'none' then
  return 'OK'
end
return {last_seq(info, log, redis.call('HGET', info, 'epoch'))}
