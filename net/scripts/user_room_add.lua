-- Notes that a user may be a member of a room: the room itself knows for sure, this is where a session begins to look.
-- KEYS: shard, user, rooms
-- ARGV: table epoch, room, rooms allowed
-- Answers 'OK'; 'FULL'.
local user, rooms = KEYS[2], KEYS[3]
if redis.call('HEXISTS', rooms, ARGV[2]) == 0 then
  if redis.call('HLEN', rooms) >= tonumber(ARGV[3]) then
    return 'FULL'
  end
  redis.call('HSET', rooms, ARGV[2], 0)
  redis.call('HINCRBY', user, 'rooms', 1)
  count_change()
end
return 'OK'
