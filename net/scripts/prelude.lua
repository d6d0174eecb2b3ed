-- Stands before every script. KEYS[1] is always the shard's own record, ARGV[1] the epoch of the caller's slot table:
-- a caller whose table is not this shard's is told so, and writes nothing.
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch ~= ARGV[1] then
  return redis.error_reply('STALE ' .. (epoch or '0'))
end
local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
local function id(number)
  return string.format('%.0f', number)
end
