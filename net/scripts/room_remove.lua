-- Removes a member: owners anybody, moderators plain members.
-- KEYS: shard, info, members, roles
-- ARGV: table epoch, channel, by, user
-- Answers 'OK'; 'ABSENT', 'FORBIDDEN', 'STRANGER' (the user is no member), 'LAST' (its last owner, whom only the system
-- removes: it rules the room then).
local info, members, roles = KEYS[2], KEYS[3], KEYS[4]
local channel, by, user = ARGV[2], ARGV[3], ARGV[4]
local rank = by == system and 'owner' or role_of(members, roles, by)
local kind = redis.call('HGET', info, 'kind')
if not kind or (rank == 'none' and kind ~= 'public') then
  return 'ABSENT'
end
local role = role_of(members, roles, user)
local may = rank == 'owner' or (rank == 'moderator' and role ~= 'owner' and role ~= 'moderator')
if not may or kind == 'dialogue' then
  return 'FORBIDDEN'
end
if role == 'none' then
  return 'STRANGER'
end
if role == 'owner' and by ~= system and count_owners(roles) == 1 then
  return 'LAST'
end
unset_member(channel, info, members, roles, user, 'removed', by)
return 'OK'
