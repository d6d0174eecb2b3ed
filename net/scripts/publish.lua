-- Publishes what is not in any log. Answers how many nodes it reached.
-- KEYS: shard
-- ARGV: table epoch, channel, payload
return redis.call('PUBLISH', ARGV[2], ARGV[3])
