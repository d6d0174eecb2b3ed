-- Ends a node's lease: it leaves.
-- KEYS: shard, leases
-- ARGV: table epoch, node
redis.call('ZADD', KEYS[2], now_ms() - 1, ARGV[2])
return 'OK'
