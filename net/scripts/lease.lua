-- Renews a node's lease, and tells which nodes hold one. A lease that ran out stays on record for an hour, so that
-- `last_seen` of users who were there can be told.
-- KEYS: shard, leases
-- ARGV: table epoch, node, ms
-- Answers {'HELD', node, node, ...}; 'NEW' in its place if this node held none: it had run out, or is not known here.
local now = now_ms()
local is_new = tonumber(redis.call('ZSCORE', KEYS[2], ARGV[2]) or '0') < now
redis.call('ZADD', KEYS[2], now + tonumber(ARGV[3]), ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - 3600000)
local answer = redis.call('ZRANGEBYSCORE', KEYS[2], now, '+inf')
table.insert(answer, 1, is_new and 'NEW' or 'HELD')
return answer
