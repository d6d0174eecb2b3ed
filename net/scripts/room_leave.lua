-- Ends a user's membership. When the last owner leaves, the first moderator, else the first member, becomes owner;
-- a room without members keeps its log, and the next to join owns it.
-- KEYS: shard, info, members, roles
-- ARGV: table epoch, channel, user
-- Answers 'OK'; 'ABSENT'.
local info, members, roles = KEYS[2], KEYS[3], KEYS[4]
local channel, user = ARGV[2], ARGV[3]
local role = role_of(members, roles, user)
if role == 'none' then
  return 'ABSENT'
end
unset_member(channel, info, members, roles, user, 'left', user)
if role == 'owner' then
  local heir
  local others = redis.call('HGETALL', roles)
  for i = 1, #others, 2 do
    if others[i + 1] == 'owner' then
      return 'OK'
    end
    if not heir or others[i] < heir then
      heir = others[i]
    end
  end
  heir = heir or redis.call('ZRANGE', members, 0, 0)[1]
  if heir and redis.call('HGET', info, 'kind') ~= 'dialogue' then
    set_member(channel, info, members, roles, heir, 'owner', 'role', user)
  end
end
return 'OK'
