-- A page of a room's members in byte order.
-- KEYS: shard, info, members, roles
-- ARGV: table epoch, user who asks, after, limit
-- Answers {user, role, user, role, ...}, one more than the limit where there are more; 'ABSENT', 'FORBIDDEN'.
local info, members, roles = KEYS[2], KEYS[3], KEYS[4]
local user, after, limit = ARGV[2], ARGV[3], tonumber(ARGV[4])
local kind = redis.call('HGET', info, 'kind')
local member = user == system or redis.call('ZSCORE', members, user)
if not kind or (kind ~= 'public' and not member) then
  return 'ABSENT'
end
if not member then
  return 'FORBIDDEN'
end
local page = redis.call('ZRANGEBYLEX', members, after == '' and '-' or '(' .. after, '+', 'LIMIT', 0, limit + 1)
local result = {}
for _, who in ipairs(page) do
  result[#result + 1] = who
  result[#result + 1] = redis.call('HGET', roles, who) or 'member'
end
return result
