-- What a room is to a user.
-- KEYS: shard, info, members, roles, log
-- ARGV: table epoch, user
-- Answers the room (see describe); 'ABSENT' (also if it is not public and the user no member).
local info, members, roles, log = KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local kind = redis.call('HGET', info, 'kind')
if not kind then
  return 'ABSENT'
end
local room = describe(info, members, roles, log, ARGV[2])
if kind ~= 'public' and room[7] == 'none' and ARGV[2] ~= system then
  return 'ABSENT'
end
return room
