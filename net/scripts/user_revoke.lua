-- Refuses a user's tokens that were issued up to now, and tells the nodes where the user is connected.
-- KEYS: shard, user
-- ARGV: table epoch, channel
-- Answers {the second up to which they are refused, how many nodes were told}.
local user, channel = KEYS[2], ARGV[2]
local before = tonumber(redis.call('HGET', user, 'revoked') or '0')
local second = id(math.max(math.floor(now_ms() / 1000), before))
redis.call('HSET', user, 'revoked', second)
-- No room has changed; but who finds that the list has moved reads it again, and this with it. So a publication that is
-- lost is made good by the check of the tails.
redis.call('HINCRBY', user, 'rooms', 1)
count_change()
return {second, redis.call('PUBLISH', channel, 'e ' .. second)}
