-- Makes a user a member of a public room, which is made if it is not there.
-- KEYS: shard, info, members, roles, log, epochs
-- ARGV: table epoch, channel, user, members allowed, make it ("1")
-- Answers the room (see describe); 'ABSENT' (also if it is private and the user no member), 'FULL'.
local info, members, roles, log, epochs = KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local channel, user, allowed, make = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
if redis.call('EXISTS', info) == 0 then
  if make ~= '1' then
    return 'ABSENT'
  end
  make_room(info, epochs, log, 'public', '')
end
if not redis.call('ZSCORE', members, user) then
  if redis.call('HGET', info, 'kind') ~= 'public' then
    return 'ABSENT'
  end
  local count = redis.call('ZCARD', members)
  if count >= allowed then
    return 'FULL'
  end
  -- The first in an empty room owns it.
  set_member(channel, info, members, roles, user, count == 0 and 'owner' or 'member', 'joined', user)
end
return describe(info, members, roles, log, user)
