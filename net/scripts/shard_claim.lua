-- Says which shard of which cluster this Redis is, and which slot table holds: what the prelude rests on.
-- KEYS: shard
-- ARGV: "-", cluster, name, table epoch
-- Answers {epoch}: its own if that is newer; 'FOREIGN <cluster> <name>' if it belongs elsewhere.
local f = redis.call('HMGET', KEYS[1], 'cluster', 'name', 'epoch')
if f[1] and (f[1] ~= ARGV[2] or f[2] ~= ARGV[3]) then
  return 'FOREIGN ' .. f[1] .. ' ' .. f[2]
end
if not f[3] or tonumber(f[3]) < tonumber(ARGV[4]) then
  redis.call('HSET', KEYS[1], 'cluster', ARGV[2], 'name', ARGV[3], 'epoch', ARGV[4])
  return {ARGV[4]}
end
return {f[3]}
