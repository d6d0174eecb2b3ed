-- How often feeds of this shard have moved. Only good to be compared with what it was: it says nothing about which.
-- KEYS: shard
-- ARGV: table epoch
-- Answers a number, from 0.
return redis.call('HGET', KEYS[1], 'changes') or '0'
