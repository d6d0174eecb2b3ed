-- Renews a node's lease, and tells which nodes hold one. A lease that ran out stays on record for an hour, so that
-- `last_seen` of users who were there can be told.
-- KEYS: shard, leases
-- ARGV: table epoch, node, ms
-- Answers {'HELD', node, node, ...}; 'NEW' in its place if nothing was known of this node's lease.
local now = now_ms()
local is_new = redis.call('ZADD', KEYS[2], now + tonumber(ARGV[3]), ARGV[2]) == 1
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - 3600000)
local answer = redis.call('ZRANGEBYSCORE', KEYS[2], now, '+inf')
table.insert(answer, 1, is_new and 'NEW' or 'HELD')
return answer
