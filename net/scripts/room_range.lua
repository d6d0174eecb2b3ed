-- Messages of a room's log by number. Numbers go on rising from epoch to epoch of one log, so that an older epoch is
-- read where the newer one begins.
-- KEYS: shard, info, members, log, epochs
-- ARGV: table epoch, user ("" = the room itself asks), "before" or "after", number ("" = from the newest), limit
-- Answers {epoch, seq of the newest, {epoch, seq, at, from, body}...} ascending, one more than the limit at the far end
-- where there are more; 'ABSENT', 'FORBIDDEN'.
local info, members, log, epochs = KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local user, way, bound, limit = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local i = redis.call('HMGET', info, 'kind', 'epoch')
local kind, epoch = i[1], i[2]
local member = user == '' or redis.call('ZSCORE', members, user)
if not kind or (kind ~= 'public' and not member) then
  return 'ABSENT'
end
if not member then
  return 'FORBIDDEN'
end
local found = {}
local function take(entries)
  for _, entry in ipairs(entries) do
    local e, s = string.match(entry[1], '^(%d+)-(%d+)$')
    local fields = entry[2]
    found[#found + 1] = {e, s, fields[4], fields[2], fields[6]}
  end
end
local all = redis.call('ZRANGE', epochs, 0, -1)
local wanted = limit + 1
if way == 'after' then
  for _, e in ipairs(all) do
    if #found < wanted then
      take(redis.call('XRANGE', log, '(' .. e .. '-' .. id(bound), e .. '-18446744073709551615', 'COUNT', wanted - #found))
    end
  end
else
  for n = #all, 1, -1 do
    local e = all[n]
    if #found < wanted and not (bound and bound <= 0) then
      local from = bound and e .. '-' .. id(bound - 1) or e .. '-18446744073709551615'
      take(redis.call('XREVRANGE', log, from, e .. '-0', 'COUNT', wanted - #found))
    end
  end
  for n = 1, math.floor(#found / 2) do
    found[n], found[#found + 1 - n] = found[#found + 1 - n], found[n]
  end
end
return {epoch, last_seq(info, log, epoch), found}
