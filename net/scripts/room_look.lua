-- What a room is, for a console: to nobody in particular, and private ones too.
-- KEYS: shard, info, members, roles, log
-- ARGV: table epoch
-- Answers the room (see describe); 'ABSENT'.
local info, members, roles, log = KEYS[2], KEYS[3], KEYS[4], KEYS[5]
if not redis.call('HGET', info, 'kind') then
  return 'ABSENT'
end
return describe(info, members, roles, log, '')
