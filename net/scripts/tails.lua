-- How far many feeds are, for the check that no publication was lost.
-- KEYS: shard, then for each feed a hash; for a room's also its log
-- ARGV: table epoch, then for each feed its kind: "room", or the name of a field that counts its changes
-- Answers for each feed {epoch, seq, version}; {0, 0, version} for those without a log.
local result = {}
local k = 2
for i = 2, #ARGV do
  local hash = KEYS[k]
  k = k + 1
  if ARGV[i] == 'room' then
    local log = KEYS[k]
    k = k + 1
    local f = redis.call('HMGET', hash, 'epoch', 'version')
    result[#result + 1] = f[1] and {f[1], last_seq(hash, log, f[1]), f[2]} or {'0', '0', '0'}
  else
    result[#result + 1] = {'0', '0', redis.call('HGET', hash, ARGV[i]) or '0'}
  end
end
return result
