-- Moves a user's read mark forward.
-- KEYS: shard, rooms
-- ARGV: table epoch, room, seq
-- Answers 1 if it moved, 0 if it stood there or further already.
local before = tonumber(redis.call('HGET', KEYS[2], ARGV[2]) or '0')
if tonumber(ARGV[3]) <= before then
  return 0
end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
return 1
