-- Says which shard of which cluster this Redis is, and which slot table holds: what the prelude rests on.
-- KEYS: shard
-- ARGV: "-", cluster, name, table epoch
-- Answers {epoch}: its own if that is newer; 'FOREIGN <cluster> <name>' if it belongs elsewhere; 'DENIED <command> on
-- <name>' if the user's ACL lacks what some script, or a subscription, will need: better now than in the middle.
local function denied(commands, names)
  for command in string.gmatch(commands, '%u+') do
    for _, name in ipairs(names) do
      if not redis.acl_check_cmd(command, name) then
        return 'DENIED ' .. command .. ' on ' .. name
      end
    end
  end
end
local lacks = denied('EXISTS GET HDEL HEXISTS HGET HGETALL HINCRBY HKEYS HLEN HMGET HSET SET XADD XDEL XRANGE '
    .. 'XREVRANGE ZADD ZCARD ZRANGE ZRANGEBYLEX ZRANGEBYSCORE ZREM ZREMRANGEBYSCORE ZSCORE',
    {KEYS[1], 'starling:leases', 'room:info:any', 'user:any'})
  or denied('PUBLISH SUBSCRIBE', {'room:any', 'user:any', 'presence:any'})
  or not redis.acl_check_cmd('TIME') and 'DENIED TIME on all'
  or not redis.acl_check_cmd('UNSUBSCRIBE') and 'DENIED UNSUBSCRIBE on all'
if lacks then
  return lacks
end

local f = redis.call('HMGET', KEYS[1], 'cluster', 'name', 'epoch')
if f[1] and (f[1] ~= ARGV[2] or f[2] ~= ARGV[3]) then
  return 'FOREIGN ' .. f[1] .. ' ' .. f[2]
end
if not f[3] or tonumber(f[3]) < tonumber(ARGV[4]) then
  redis.call('HSET', KEYS[1], 'cluster', ARGV[2], 'name', ARGV[3], 'epoch', ARGV[4])
  return {ARGV[4]}
end
return {f[3]}
