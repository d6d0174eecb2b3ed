-- The rooms that a user may be a member of.
-- KEYS: shard, user, rooms
-- ARGV: table epoch
-- Answers {version, {room, read mark, room, read mark, ...}, the second up to which tokens are refused ("0" if none)}.
local user = redis.call('HMGET', KEYS[2], 'rooms', 'revoked')
return {user[1] or '0', redis.call('HGETALL', KEYS[3]), user[2] or '0'}
