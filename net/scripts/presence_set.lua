-- Notes that users are, or are no longer, connected to a node, and tells who watches them when that changes something.
-- KEYS: shard, leases, then for each user: user, nodes
-- ARGV: table epoch, node, then for each user: channel, "1" (here) or "0" (gone)
-- Answers 'OK'.
local now = now_ms()
local node = ARGV[2]
local k = 3
for i = 3, #ARGV, 2 do
  local user, nodes = KEYS[k], KEYS[k + 1]
  k = k + 2
  local changed
  if ARGV[i + 1] == '1' then
    changed = redis.call('HSET', nodes, node, now) == 1
  else
    changed = redis.call('HDEL', nodes, node) == 1
    redis.call('HSET', user, 'seen', id(now))
  end
  if changed then
    redis.call('HINCRBY', user, 'presence', 1)
    count_change()
    local seen, online = presence_of(KEYS[2], user, nodes, now)
    redis.call('PUBLISH', ARGV[i], 'p ' .. redis.call('HGET', user, 'presence') .. ' ' .. seen .. ' ' .. table.concat(online, ' '))
  end
end
return 'OK'
