-- Where users are connected.
-- KEYS: shard, leases, then for each user: user, nodes
-- ARGV: table epoch
-- Answers for each user {version, last seen ("0" if never), node, node, ...}.
local now = now_ms()
local result = {}
for k = 3, #KEYS, 2 do
  local seen, online = presence_of(KEYS[2], KEYS[k], KEYS[k + 1], now)
  table.insert(online, 1, seen)
  table.insert(online, 1, redis.call('HGET', KEYS[k], 'presence') or '0')
  result[#result + 1] = online
end
return result
