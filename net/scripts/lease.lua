-- Renews a node's lease, and tells which nodes hold one. A lease that ran out stays on record for an hour, so that
-- `last_seen` of users who were there can be told.
-- KEYS: shard, leases
-- ARGV: table epoch, node, ms
-- Answers {node, node, ...}.
local now = now_ms()
redis.call('ZADD', KEYS[2], now + tonumber(ARGV[3]), ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - 3600000)
return redis.call('ZRANGEBYSCORE', KEYS[2], now, '+inf')
