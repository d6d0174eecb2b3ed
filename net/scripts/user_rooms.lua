-- The rooms that a user may be a member of.
-- KEYS: shard, user, rooms
-- ARGV: table epoch
-- Answers {version, {room, read mark, room, read mark, ...}}.
return {redis.call('HGET', KEYS[2], 'rooms') or '0', redis.call('HGETALL', KEYS[3])}
