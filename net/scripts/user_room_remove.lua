-- Forgets a room of a user, and the user's read mark there.
-- KEYS: shard, user, rooms
-- ARGV: table epoch, rooms...
-- Answers 'OK'.
for i = 2, #ARGV do
  if redis.call('HDEL', KEYS[3], ARGV[i]) == 1 then
    redis.call('HINCRBY', KEYS[2], 'rooms', 1)
    count_change()
  end
end
return 'OK'
