-- How far many feeds are, for the check that no publication was lost.
-- KEYS: shard. The others are made from the names here: no cluster of Redis has to know them before.
-- ARGV: table epoch, then the feeds, a line each: r<room>, u<user> (the list of rooms) or p<user> (the presence)
-- Answers "epoch seq version" for each, a line each; epoch and seq are 0 for those without a log.
local fields = {u = 'rooms', p = 'presence'}
local result = {}
for kind, name in string.gmatch(ARGV[2], '(%a)([^\n]*)\n') do
  if kind == 'r' then
    local f = redis.call('HMGET', 'room:info:' .. name, 'epoch', 'version', 'base')
    local seq = f[3]
    local newest = f[1] and redis.call('XREVRANGE', 'room:log:' .. name, '+', '-', 'COUNT', 1)[1]
    if newest then
      local e, s = string.match(newest[1], '^(%d+)-(%d+)$')
      if e == f[1] then
        seq = s
      end
    end
    result[#result + 1] = f[1] and f[1] .. ' ' .. seq .. ' ' .. f[2] or '0 0 0'
  else
    result[#result + 1] = '0 0 ' .. (redis.call('HGET', 'user:' .. name, fields[kind]) or '0')
  end
end
return table.concat(result, '\n')
